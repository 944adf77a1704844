/// A network interface of the session's namespace.
public struct Link: Hashable, Sendable {
  public let name: String
  public let index: UInt32
  /// Administratively up.
  public let isUp: Bool
  /// The largest packet, in bytes.
  public let mtu: UInt32
  /// `veth`, `bridge`; nil for a link without a kind, such as `lo`.
  public let kind: String?
  /// The index of the bridge that the link is a port of.
  public let master: UInt32?
}
