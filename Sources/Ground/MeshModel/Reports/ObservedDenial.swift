/// One connection or request that policy denied.
public struct ObservedDenial: Hashable, Sendable, Codable {
  /// In seconds since 1970.
  public var time: Int64
  public var direction: ConnectionRecord.Direction
  public var source: ObservedParty
  /// Of a caller of whom nothing else is known; empty otherwise.
  public var sourceAddress: String
  public var destination: ObservedParty
  /// `namespace/hostname`; empty when none was asked for.
  public var service: String
  /// `RefusalReason`, or why the token was not believed.
  public var reason: String
  /// Of a request; nil for a connection.
  public var method: String?
  /// Without its query, and not longer than `pathLimit` bytes.
  public var path: String?

  public static let pathLimit = 256

  public init(
    time: Int64, direction: ConnectionRecord.Direction, source: ObservedParty, sourceAddress: String = "",
    destination: ObservedParty, service: String = "", reason: String, method: String? = nil,
    path: String? = nil
  ) {
    self.time = time
    self.direction = direction
    self.source = source
    self.sourceAddress = sourceAddress
    self.destination = destination
    self.service = service
    self.reason = reason
    self.method = method
    self.path = path
  }
}
