public import Bytes

/// When to act on a burst of changes: after a quiet time, but never later than a maximum after the first.
public struct Debounce: Sendable {
  /// No change for this long ends the burst.
  public let quiet: Interval
  /// A burst that never ends is cut here.
  public let maximum: Interval
  private var first: Instant?
  private var last: Instant?

  /// The control plane's contract (mission, M7).
  public init(quiet: Interval = .milliseconds(100), maximum: Interval = .seconds(10)) {
    self.quiet = quiet
    self.maximum = maximum
  }

  /// Something has changed.
  public mutating func changed(at now: Instant) {
    if first == nil { first = now }
    last = now
  }

  /// Nil when nothing has changed.
  public var deadline: Instant? {
    guard let first, let last else { return nil }
    return min(first + maximum, last + quiet)
  }

  /// True, once, when it is time to act.
  public mutating func isDue(at now: Instant) -> Bool {
    guard let deadline, now >= deadline else { return false }
    (first, last) = (nil, nil)
    return true
  }
}
