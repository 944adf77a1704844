public import MeshModel

/// Whom a session accepts at the other end. Compared inside the handshake, so that a refused peer learns it
/// by an alert and not one byte of it is read as data.
public enum PeerExpectation: Hashable, Sendable {
  /// Exactly one of these, as a dialer of a known destination asks; our own trust domain's names are all the
  /// same. An empty list accepts nobody.
  case identities([Identity])
  /// Any identity of a trust domain that the session's trust store knows, as an acceptor asks.
  case anyTrusted
  /// Any identity of this one trust domain.
  case trustDomain(TrustDomain)
  /// A server with this DNS name or IP address among its names, as a client of the control plane asks.
  case serverName(String)
  /// A server that is greeted by this name, or by none, and has one of these among the names of its
  /// certificate: DNS names, addresses and URIs, compared exactly, a `*` standing for itself.
  case server(called: String, having: [String])
  /// Whoever answers, greeted by this name: nothing of its certificate is looked at.
  case anybody(called: String)
  /// No certificate is asked for: only for a server whose clients prove themselves by other means.
  case nobody
}
