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

  public init() {}
}
