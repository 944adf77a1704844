public import MeshModel

/// A route of one family: where packets for a destination go.
public struct Route: Hashable, Sendable {
  /// What the kernel does with a matching packet.
  public enum Kind: Hashable, Sendable {
    /// Sends it on.
    case unicast
    /// Delivers it here, whatever its destination (with `dev lo`: transparent sockets receive it).
    case local
  }

  /// The main routing table.
  public static let mainTable: UInt32 = 254

  public var destination: IPPrefix
  public var kind: Kind
  /// The next hop, of the same family.
  public var gateway: IPAddress?
  /// The link to send through.
  public var link: String?
  public var table: UInt32

  public init(
    to destination: IPPrefix, kind: Kind = .unicast, via gateway: IPAddress? = nil,
    through link: String? = nil,
    table: UInt32 = Route.mainTable
  ) {
    self.destination = destination
    self.kind = kind
    self.gateway = gateway
    self.link = link
    self.table = table
  }

  /// A default route of one family.
  public static func byDefault(via gateway: IPAddress, through link: String? = nil) -> Route {
    Route(to: everything(gateway.family), via: gateway, through: link)
  }

  /// `local default dev lo table N`: every packet looked up in this table is delivered here.
  public static func everythingLocal(_ family: IPAddress.Family, table: UInt32) -> Route {
    Route(to: everything(family), kind: .local, through: "lo", table: table)
  }

  private static func everything(_ family: IPAddress.Family) -> IPPrefix {
    guard let all = IPPrefix(IPAddress.any(family), length: 0) else {
      preconditionFailure("zero is a length")
    }
    return all
  }
}
