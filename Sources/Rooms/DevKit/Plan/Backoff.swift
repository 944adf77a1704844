import Bytes

/// The pause before a process is started again: none at first, then doubling, and forgotten after a quiet
/// while.
struct Backoff: Sendable {
  private let first: Interval
  private let longest: Interval
  private var failures = 0

  /// A process that ran this long is taken as healthy.
  static let quiet = Interval.seconds(10)

  init(first: Interval, longest: Interval) {
    self.first = first
    self.longest = longest
  }

  /// The pause after a run of length `ran`.
  mutating func pause(afterRunning ran: Interval) -> Interval {
    failures = ran < Self.quiet ? failures + 1 : 1
    guard failures > 1 else { return Interval(nanoseconds: 0) }
    let doublings = UInt64(min(failures - 2, 20))
    return min(Interval(nanoseconds: first.nanoseconds << doublings), longest)
  }
}
