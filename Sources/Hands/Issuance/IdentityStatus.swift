public import MeshModel
import TLSEngine

/// How an identity of this node stands, for pages and logs.
public struct IdentityStatus: Sendable {
  /// Whether it can be spoken under.
  public enum State: Hashable, Sendable, CustomStringConvertible {
    /// A certificate is there and valid.
    case available
    /// None has been had, and nothing has failed yet.
    case initializing
    /// None is there, or it has ended; with the last reason.
    case unavailable(String)

    public var description: String {
      switch self {
      case .available: "Available"
      case .initializing: "Initializing"
      case .unavailable(let reason): "Unavailable: \(reason)"
      }
    }
  }

  public let identity: Identity
  public let state: State
  /// Why the last attempt to renew failed, while the certificate is still valid.
  public let problem: IssuanceError?
  /// What was issued last, until the identity is released.
  public let issued: IssuedCredentials?

  /// The serial number in lower-case hexadecimal.
  public var serial: String? { issued?.credentials.leaf.serial }
  /// The first second of validity, since 1970.
  public var notBefore: Int64? { issued?.credentials.leaf.notBefore }
  /// The last second of validity, since 1970.
  public var notAfter: Int64? { issued?.credentials.leaf.notAfter }
}
