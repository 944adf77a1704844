public import MeshModel

/// Why a peer is refused within the handshake.
public enum PeerRefusal: Error, Hashable, Sendable {
  /// It sent none, though one is required.
  case noCertificate
  /// No chain to a root that we trust.
  case unknownAuthority
  /// Its certificate, or one above it, is past its end.
  case expired
  /// Its certificate, or one above it, is before its beginning.
  case notYetValid
  /// It presented an authority's certificate as its own.
  case authorityAsPeer
  /// No URI among its names.
  case noIdentity
  /// More than one URI among its names (SPIFFE X.509-SVID section 2).
  case severalIdentities
  /// Its one URI is no SPIFFE id of the form we accept, or its names cannot be read; with the words of the
  /// parser.
  case malformedIdentity(String)
  /// Its identity is of a trust domain that we do not serve.
  case foreignTrustDomain(found: Identity, expected: TrustDomain)
  /// Its identity is of a foreign trust domain that is trusted, but its chain leads to none of that domain's
  /// roots: most likely to another's.
  case notOfItsDomain(found: Identity)
  /// A true identity, but not one of those that may answer here.
  case unexpectedIdentity(found: Identity, expected: [Identity])
  /// Its certificate is not for the server name that we dialed.
  case wrongServerName(expected: String)
  /// Its certificate has none of the names of which one is asked for.
  case noneOfNames(expected: [String])
  /// Any other failure of the chain, in OpenSSL's words.
  case other(String)
}
