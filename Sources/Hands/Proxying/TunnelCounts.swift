/// What became of the tunnels of a worker, since its start.
public struct TunnelCounts: Hashable, Sendable {
  /// Opened by our pods, up to HTTP/2.
  public var dialed: UInt64 = 0
  /// Dialed, and never open.
  public var dialsFailed: UInt64 = 0
  /// Opened by peers that proved who they are.
  public var served: UInt64 = 0
  /// Of peers that never did.
  public var strangers: UInt64 = 0
  /// Streams of our pods: divided by `dialed`, how well tunnels are shared.
  public var streams: UInt64 = 0

  /// Connections that were idle at a waypoint when it died, and stayed open.
  public var carriedOver: UInt64 = 0
  /// Requests that were sent a second time, because the waypoint died before it answered.
  public var repeated: UInt64 = 0

  public init() {}
}
