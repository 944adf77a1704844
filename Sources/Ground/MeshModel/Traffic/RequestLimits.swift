/// What annotations of a ServiceAccount say of the limits for clients of its waypoint; nil where they say
/// nothing. What holds then is written at `HTTPLimits`.
public struct RequestLimits: Hashable, Sendable, Codable {
  /// `apus.io/max-header-bytes`: of a head, or trailers.
  public var maximumHead: Int?
  /// `apus.io/request-head-timeout`, in milliseconds: until the head of a request is whole.
  public var headTimeout: Int?
  /// `apus.io/stream-idle-timeout`, in milliseconds: while a client neither sends the body that it owes nor
  /// takes the response.
  public var stallTimeout: Int?
  /// `apus.io/connection-idle-timeout`, in milliseconds: of a connection without a request.
  public var idleTimeout: Int?

  /// What can be asked for: room for a few fields, and what one head may take of the waypoint's memory.
  public static let headLimits = 1 << 10...1 << 20
  /// In milliseconds: a second to a day.
  public static let timeLimits = 1_000...86_400_000

  public init() {}
}
