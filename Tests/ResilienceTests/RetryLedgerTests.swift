import Bytes
import MeshModel
import Testing

@testable import Resilience

@Suite struct RetryLedgerTests {
  private final class Kept<Value: ~Copyable> {
    let value: Value
    init(_ value: consuming Value) { self.value = value }
  }

  private func grant(_ ledger: RetryLedger, _ now: Instant) -> Kept<RetryLedger.Retry>? {
    guard let retry = ledger.grant(now: now) else { return nil }
    return Kept(retry)
  }

  @Test(arguments: [(0, 3), (1, 3), (15, 3), (20, 4), (100, 20), (1_000, 200)])
  func aFifthOfWhatIsUnderWayButThree(_ requests: Int, _ expected: Int) {
    let ledger = RetryLedger()
    let underWay = (0..<requests).map { _ in Kept(ledger.begin(now: after(0))) }
    var retries: [Kept<RetryLedger.Retry>] = []
    while let retry = grant(ledger, after(0)) { retries.append(retry) }
    // Requests that are being retried do not count as others.
    let possible = (0...1_000).first { $0 >= max((requests - $0) / 5, 3) } ?? 0
    #expect(retries.count == min(expected, possible))
    #expect(ledger.refused == 1)
    retries = []
    #expect(ledger.underWay == (underWay.count, 0))
  }

  @Test func theShareAndTheMinimumCanBeSet() {
    let ledger = RetryLedger(RetryBudget(percent: 50, minimum: 0))
    #expect(grant(ledger, after(0)) == nil)
    let underWay = (0..<4).map { _ in Kept(ledger.begin(now: after(0))) }
    let first = grant(ledger, after(0))
    #expect(first != nil && grant(ledger, after(0)) == nil)
    withExtendedLifetime(underWay) {}
  }

  /// However quickly retries end: three a second over ten seconds, not three at a time.
  @Test func quickRetriesAreCounted() {
    let ledger = RetryLedger()
    let granted = (0..<1_000).count { _ in grant(ledger, after(0)) != nil }
    #expect(granted == 30)
    #expect((0..<1_000).count { _ in grant(ledger, after(9)) != nil } == 0)
    #expect((0..<1_000).count { _ in grant(ledger, after(10)) != nil } == 30)
    #expect((0..<1_000).count { _ in grant(ledger, after(1_000)) != nil } == 30)
  }

  /// Story of the seed: a service fails wholly, three retries are written; its load rises by a fifth at most,
  /// whether it fails at once or after a while, and whether requests come slowly or quickly.
  @Test(arguments: [(20, 1), (200, 1), (200, 300), (1_000, 5), (1_000, 100)], [1, 2] as [UInt64])
  func aFailingServiceIsNotStormed(_ load: (rate: Int, milliseconds: Int), _ seed: UInt64) {
    let storm = Storm(rate: load.rate, milliseconds: load.milliseconds, seed: seed)
    storm.run(seconds: 20)
    let allowed = max(storm.requests / 5, 3 * 20)
    #expect(storm.requests == load.rate * 20)
    #expect(storm.retries <= allowed, "\(storm.retries) retries of \(storm.requests) requests")
    // And the budget is there to be used.
    #expect(storm.retries >= min(allowed, storm.requests) / 20)
    #expect(storm.ledger.underWay == (0, 0))
  }

  /// One request in 25 fails: all of them are within the budget, and covered.
  @Test func aPartialFailureIsCovered() {
    let storm = Storm(rate: 5_000, milliseconds: 20, seed: 3, failing: 4)
    storm.run(seconds: 10)
    #expect(storm.failures == 0, "\(storm.failures) of \(storm.requests)")
    #expect(storm.retries > storm.requests * 3 / 100)
  }
}

/// Requests at an even rate to a service whose answers take the same time each, in steps of a millisecond.
private final class Storm {
  private final class Request {
    var plan = RetryPlan(RetryRule(attempts: 3, conditions: [.serverError]), method: "GET", timeout: nil)
    let entry: RetryLedger.Request
    var ticket: RetryTicket?
    /// The end of the pause and of the try.
    var due: Int

    init(_ entry: consuming RetryLedger.Request, due: Int) {
      self.entry = entry
      self.due = due
    }
  }

  let ledger = RetryLedger()
  private let breaker = CircuitBreaker()
  private let rate: Int
  private let milliseconds: Int
  private let failing: Int
  private var random: Seeded
  private var underWay: [Request] = []
  private(set) var requests = 0
  private(set) var retries = 0
  private(set) var failures = 0

  init(rate: Int, milliseconds: Int, seed: UInt64, failing: Int = 100) {
    (self.rate, self.milliseconds, self.failing) = (rate, milliseconds, failing)
    random = Seeded(seed)
  }

  func run(seconds: Int) {
    for time in 0..<seconds * 1_000 {
      while requests < (time + 1) * rate / 1_000 {
        underWay.append(Request(ledger.begin(now: now(time)), due: time + milliseconds))
        requests += 1
      }
      end(time)
    }
    underWay = []
  }

  private func now(_ time: Int) -> Instant { after(Double(time) / 1_000) }

  private func end(_ time: Int) {
    underWay.removeAll { request in
      guard request.due <= time else { return false }
      request.ticket = nil
      guard Int.random(in: 0..<100, using: &random) < failing else { return true }
      switch request.plan.decide(
        after: .answered(status: 500), at: nil, bodyIsWhole: true, ledger: ledger, breaker: breaker,
        now: now(time), using: &random)
      {
      case .retry(let ticket):
        request.due = time + milliseconds + Int(ticket.pause.milliseconds)
        request.ticket = consume ticket
        retries += 1
        return false
      case .giveUp:
        failures += 1
        return true
      }
    }
  }
}
