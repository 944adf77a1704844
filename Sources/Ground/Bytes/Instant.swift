/// A point of the monotonic clock (CLOCK_MONOTONIC), in nanoseconds. Minds take it as an argument, so that
/// tests own time.
public struct Instant: Hashable, Comparable, Sendable {
  public var nanoseconds: UInt64

  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

  public static func + (left: Instant, right: Interval) -> Instant {
    Instant(nanoseconds: left.nanoseconds &+ right.nanoseconds)
  }

  /// The time from `right` to `left`, zero when `right` is later.
  public static func - (left: Instant, right: Instant) -> Interval {
    Interval(nanoseconds: left.nanoseconds > right.nanoseconds ? left.nanoseconds - right.nanoseconds : 0)
  }
}

/// A length of time, never negative, in nanoseconds.
public struct Interval: Hashable, Comparable, Sendable {
  public var nanoseconds: UInt64

  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  public static func seconds(_ value: some BinaryInteger) -> Interval {
    Interval(nanoseconds: UInt64(value) * 1_000_000_000)
  }

  public static func milliseconds(_ value: some BinaryInteger) -> Interval {
    Interval(nanoseconds: UInt64(value) * 1_000_000)
  }

  public var milliseconds: UInt64 { nanoseconds / 1_000_000 }

  public static func + (left: Interval, right: Interval) -> Interval {
    Interval(nanoseconds: left.nanoseconds &+ right.nanoseconds)
  }

  public static func < (left: Interval, right: Interval) -> Bool { left.nanoseconds < right.nanoseconds }
}
