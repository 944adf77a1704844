/// What protects a connection to an endpoint; empty for plain TCP.
public struct DestinationSecurity: OptionSet, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The mesh's: both ends have proved their identity.
  public static let mutualTLS = DestinationSecurity(rawValue: 1)

  public var description: String { contains(.mutualTLS) ? "mutual_tls" : "none" }
}
