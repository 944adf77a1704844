/// What protects a connection to an endpoint; empty for plain TCP.
public struct DestinationSecurity: OptionSet, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The mesh's: both ends have proved their identity.
  public static let mutualTLS = DestinationSecurity(rawValue: 1)

  /// Of the waypoint and the application itself, within or in place of the mesh's (`trafficPolicy.tls`).
  public static let applicationTLS = DestinationSecurity(rawValue: 2)

  public var description: String {
    switch self {
    case []: "none"
    case .mutualTLS: "mutual_tls"
    case .applicationTLS: "tls"
    default: "mutual_tls+tls"
    }
  }
}
