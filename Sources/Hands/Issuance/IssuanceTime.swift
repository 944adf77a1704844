public import Bytes

/// A moment by both clocks. Pauses are by the monotonic one; certificates end by the wall, which may step.
public struct IssuanceTime: Hashable, Sendable {
  public var instant: Instant
  /// Seconds since 1970.
  public var wall: Int64

  public init(instant: Instant, wall: Int64) {
    self.instant = instant
    self.wall = wall
  }
}
