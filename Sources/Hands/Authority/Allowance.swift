import Bytes

/// How much a caller may still ask for (a token bucket): it fills with time up to a burst.
struct Allowance: Sendable {
  private let perSecond: UInt64
  /// Both in billionths of one request, so that no time is lost to rounding.
  private let full: UInt64
  private var left: UInt64
  private var last: Instant

  private static let one: UInt64 = 1_000_000_000

  init(perSecond: Int, burst: Int, at now: Instant) {
    self.perSecond = UInt64(perSecond)
    full = UInt64(burst) * Self.one
    left = full
    last = now
  }

  /// Takes one; false when none is left.
  mutating func take(at now: Instant) -> Bool {
    let (earned, overflow) = (now - last).nanoseconds.multipliedReportingOverflow(by: perSecond)
    left = overflow || earned >= full - left ? full : left + earned
    last = max(last, now)
    guard left >= Self.one else { return false }
    left -= Self.one
    return true
  }

  /// Nothing was taken for so long that a fresh one would be the same.
  func isFull(at now: Instant) -> Bool {
    let (earned, overflow) = (now - last).nanoseconds.multipliedReportingOverflow(by: perSecond)
    return overflow || earned >= full - left
  }
}
