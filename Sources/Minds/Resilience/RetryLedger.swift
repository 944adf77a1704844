public import Bytes
public import MeshModel

/// Keeps retries from becoming a storm (`retryBudget`): one for a destination and worker. A retry is granted
/// while both hold:
///
/// - retries under way are fewer than `percent` of the requests under way that are not being retried, or
///   fewer than `minimum`;
/// - in the last ten seconds there were fewer retries than `percent` of the requests, or than `minimum` a
///   second.
///
/// The first alone, as elsewhere, bounds nothing when failures are quicker than answers: three quick retries
/// at a time are hundreds in a second. With the second, a service that fails wholly gets at most 1.2 times
/// its load at 20 percent, in any ten seconds and however it fails, as soon as 20 percent are more than the
/// minimum.
public final class RetryLedger {
  static let window = 10
  /// One for each second of the window.
  private var requests = [Int](repeating: 0, count: window)
  private var retries = [Int](repeating: 0, count: window)
  private var second: UInt64 = 0
  private var recent = (requests: 0, retries: 0)

  public var budget: RetryBudget
  /// Requests under way, and how many of them are being retried (or pause before that).
  public private(set) var underWay = (requests: 0, retries: 0)
  /// Retries that were not granted since the start.
  public private(set) var refused = 0

  public init(_ budget: RetryBudget = RetryBudget()) { self.budget = budget }

  /// A request of a client, for as long as what is returned lives: with all its tries.
  public func begin(now: Instant) -> Request {
    advance(now)
    requests[Int(second) % Self.window] += 1
    recent.requests += 1
    underWay.requests += 1
    return Request(self)
  }

  /// A retry, for as long as what is returned lives; nil when the budget is used up.
  func grant(now: Instant) -> Retry? {
    advance(now)
    let others = underWay.requests - underWay.retries
    let minimum = Bounds.count(budget.minimum)
    guard underWay.retries < max(share(of: others), minimum),
      recent.retries < max(share(of: recent.requests), minimum * Self.window)
    else {
      refused += 1
      return nil
    }
    retries[Int(second) % Self.window] += 1
    recent.retries += 1
    underWay.retries += 1
    return Retry(self)
  }

  private func share(of count: Int) -> Int { Int(Double(count) * Bounds.share(percent: budget.percent)) }

  /// Forgets the seconds that have left the window.
  private func advance(_ now: Instant) {
    let current = now.nanoseconds / 1_000_000_000
    guard current > second else { return }
    for step in 1...min(current - second, UInt64(Self.window)) {
      let index = Int((second + step) % UInt64(Self.window))
      recent.requests -= requests[index]
      recent.retries -= retries[index]
      requests[index] = 0
      retries[index] = 0
    }
    second = current
  }

  /// Counts a request of a client until it is dropped.
  public struct Request: ~Copyable {
    private let ledger: RetryLedger

    fileprivate init(_ ledger: RetryLedger) { self.ledger = ledger }

    deinit { ledger.underWay.requests -= 1 }
  }

  /// Counts a retry until it is dropped.
  struct Retry: ~Copyable {
    private let ledger: RetryLedger

    fileprivate init(_ ledger: RetryLedger) { self.ledger = ledger }

    deinit { ledger.underWay.retries -= 1 }
  }
}
