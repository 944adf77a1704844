public import MeshModel

/// The answer of policy. It is consumed by whoever acts on it, once.
public enum Verdict: ~Copyable, Sendable {
  case allow(Permit)
  case deny(RefusalReason)

  /// The reason of a denial; nil when allowed. For judging a live connection again, where nothing is dialed.
  public var refusal: RefusalReason? {
    borrowing get {
      switch self {
      case .allow: nil
      case .deny(let reason): reason
      }
    }
  }
}

/// Proof that policy allowed one connection. Dialing consumes it, and only this module makes it: a dial that
/// nobody authorized does not compile.
public struct Permit: ~Copyable, Sendable {
  /// What may be dialed.
  public let destination: SocketAddress
  /// For whom, as the record of the connection names it; nil for plaintext.
  public let peer: Identity?

  init(destination: SocketAddress, peer: Identity?) {
    self.destination = destination
    self.peer = peer
  }
}
