import Bytes

/// How long to wait before the next attempt: doubling from 10 ms to 15 s, each wait shortened by up to half
/// at random, so that a fleet that lost its control plane does not return in one wave.
struct Backoff {
  static let first = Interval.milliseconds(10)
  static let longest = Interval.seconds(15)

  private var current = first

  mutating func next(using random: inout some RandomNumberGenerator) -> Interval {
    let ceiling = current.nanoseconds
    current = min(Interval(nanoseconds: ceiling * 2), Self.longest)
    return Interval(nanoseconds: UInt64.random(in: ceiling / 2...ceiling, using: &random))
  }

  /// The last attempt succeeded.
  mutating func reset() { current = Self.first }
}
