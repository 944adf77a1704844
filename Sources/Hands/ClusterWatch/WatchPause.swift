import Bytes

/// How long to wait before a list or watch is tried again: doubling from 100 ms to 30 s, each wait shortened
/// by up to half at random, so that many replicas do not return in one wave.
struct WatchPause {
  static let first = Interval.milliseconds(100)
  static let longest = Interval.seconds(30)

  private var current = first

  /// `asked`: the seconds that the server asks to wait, which are waited at least.
  mutating func next(asked: Int?, using random: inout some RandomNumberGenerator) -> Interval {
    let ceiling = current.nanoseconds
    current = min(Interval(nanoseconds: ceiling * 2), Self.longest)
    let pause = Interval(nanoseconds: UInt64.random(in: ceiling / 2...ceiling, using: &random))
    return asked.map { pause + .seconds(UInt64($0)) } ?? pause
  }

  /// The last attempt succeeded.
  mutating func reset() { current = Self.first }
}
