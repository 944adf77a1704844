import Bytes
import MeshModel
import Testing

@testable import Resilience

@Suite struct RetryPlanTests {
  private let breaker = CircuitBreaker()
  private let ledger = RetryLedger()

  /// Nil for a retry.
  private func decide(
    _ plan: inout RetryPlan, _ result: TryResult, by endpoint: EndpointHandle? = nil,
    bodyIsWhole: Bool = true,
    began: Bool = false, at seconds: Double = 0, _ breaker: CircuitBreaker? = nil, seed: UInt64 = 1
  ) -> (giveUp: GiveUp?, pause: Interval?) {
    var random = Seeded(seed)
    switch plan.decide(
      after: result, at: endpoint, bodyIsWhole: bodyIsWhole, responseBegan: began, ledger: ledger,
      breaker: breaker ?? self.breaker, now: after(seconds), using: &random)
    {
    case .retry(let ticket): return (nil, ticket.pause)
    case .giveUp(let reason): return (reason, nil)
    }
  }

  private func outcome(
    _ conditions: [RetryCondition]?, _ result: TryResult, _ method: String = "GET"
  ) -> GiveUp? {
    let rule = conditions.map { RetryRule(attempts: 3, conditions: $0) }
    var plan = RetryPlan(rule, method: method, timeout: nil)
    return decide(&plan, result).giveUp
  }

  static let results: [TryResult] = [
    .connectFailure, .refusedStream, .reset(requestSent: false), .reset(requestSent: true),
    .timedOut(requestSent: true), .answered(status: 500), .answered(status: 503), .answered(status: 409),
    .answered(status: 429), .answered(status: 503, isRatelimited: true),
    .answered(status: 200, grpcStatus: 1), .answered(status: 200, grpcStatus: 4),
    .answered(status: 200, grpcStatus: 8), .answered(status: 200, grpcStatus: 13),
    .answered(status: 200, grpcStatus: 14), .answered(status: 200), .answered(status: 404),
  ]

  /// Which of `results` each token covers, as `x`.
  @Test(arguments: [
    (RetryCondition.serverError, "xxxxxxx.........."), (.gatewayError, "xxxxx.x.........."),
    (.reset, "xxxxx............"), (.resetBeforeRequest, "x.x.............."),
    (.connectFailure, "x................"), (.refusedStream, ".x..............."),
    (.retriable4xx, ".......x........."), (.ratelimited, ".........x......."),
    (.cancelled, "..........x......"),
    (.deadlineExceeded, "...........x....."), (.resourceExhausted, "............x...."),
    (.internalError, ".............x..."), (.unavailable, "..............x.."),
    (.status(429), "........x........"),
    (.status(404), "................x"),
  ]) func tokens(_ token: RetryCondition, _ expected: String) {
    let covered = Self.results.map { outcome([token], $0) == nil ? "x" : "." }.joined()
    #expect(covered == expected)
  }

  /// For a POST: what nobody saw, and what the written policy names.
  @Test(
    arguments: [
      (TryResult.connectFailure, nil), (.refusedStream, nil), (.reset(requestSent: false), nil),
      (.timedOut(requestSent: false), nil), (.reset(requestSent: true), .notIdempotent),
      (.timedOut(requestSent: true), .notIdempotent), (.answered(status: 503), nil),
    ] as [(TryResult, GiveUp?)]) func postsAreNotRepeatedBlindly(_ result: TryResult, _ expected: GiveUp?)
  {
    #expect(outcome([.serverError], result, "POST") == expected)
    #expect(outcome([.serverError], result, "GET") == nil)
    #expect(outcome([.serverError, .reset], result, "POST") == nil)
  }

  /// Nobody wrote a policy: `unavailable` from an application that may have acted repeats no POST.
  @Test func theStandardRuleRepeatsNoPost() {
    let unavailable = TryResult.answered(status: 200, grpcStatus: 14)
    #expect(outcome(nil, unavailable, "POST") == .notIdempotent)
    #expect(outcome(nil, unavailable, "GET") == nil)
    #expect(outcome([.unavailable], unavailable, "POST") == nil)
    #expect(outcome(nil, .connectFailure, "POST") == nil)
    #expect(outcome(nil, .answered(status: 503)) == .notRetriable)
  }

  @Test(arguments: [
    ("GET", true), ("HEAD", true), ("PUT", true), ("DELETE", true), ("OPTIONS", true), ("TRACE", true),
    ("POST", false), ("PATCH", false), ("CONNECT", false), ("get", false), ("PURGE", false),
  ]) func methods(_ method: String, _ isIdempotent: Bool) {
    #expect(RetryPlan.isIdempotent(method) == isIdempotent)
  }

  @Test func attemptsAreRetries() {
    var plan = RetryPlan(RetryRule(attempts: 2, conditions: [.serverError]), method: "GET", timeout: nil)
    #expect(decide(&plan, .connectFailure).giveUp == nil)
    #expect(decide(&plan, .connectFailure).giveUp == nil)
    let last = decide(&plan, .connectFailure).giveUp
    #expect(last == .attemptsUsedUp && last?.flag == .upstreamRetryLimitExceeded)
    #expect(plan.retries == 2)
    var off = RetryPlan(RetryRule(attempts: 0, conditions: [.serverError]), method: "GET", timeout: nil)
    #expect(decide(&off, .connectFailure).giveUp == .notRetriable)
    #expect(!off.mayRetry)
  }

  @Test func noRetryAfterAnAnswerBeganOrWithoutItsBody() {
    var plan = RetryPlan(RetryRule(attempts: 3, conditions: [.reset]), method: "GET", timeout: nil)
    #expect(decide(&plan, .reset(requestSent: true), began: true).giveUp == .responseBegan)
    #expect(decide(&plan, .connectFailure, bodyIsWhole: false).giveUp == .bodyNotKept)
    #expect(plan.retries == 0)
  }

  /// At random up to 25, 50, 100, 200, 250, 250 ms.
  @Test func pausesDoubleUpToTenTimes() {
    var longest = [Interval](repeating: .milliseconds(0), count: 6)
    var shortest = [Interval](repeating: .seconds(9), count: 6)
    for seed in 1...400 {
      let ledger = RetryLedger(RetryBudget(percent: 100, minimum: 9_999))
      var plan = RetryPlan(RetryRule(attempts: 6, conditions: [.serverError]), method: "GET", timeout: nil)
      var random = Seeded(UInt64(seed) &* 0x9e37_79b9_7f4a_7c15)
      for index in 0..<6 {
        guard
          case .retry(let ticket) = plan.decide(
            after: .connectFailure, at: nil, bodyIsWhole: true, ledger: ledger, breaker: breaker,
            now: after(0),
            using: &random)
        else {
          Issue.record("no retry \(index)")
          return
        }
        longest[index] = max(longest[index], ticket.pause)
        shortest[index] = min(shortest[index], ticket.pause)
      }
    }
    for (index, bound) in [25, 50, 100, 200, 250, 250].enumerated() {
      #expect(longest[index].milliseconds <= bound && longest[index].milliseconds >= UInt64(bound * 9 / 10))
      #expect(shortest[index].milliseconds <= UInt64(bound / 10))
    }
  }

  @Test func theTimeoutBoundsTriesAndPauses() {
    let rule = RetryRule(attempts: 9, perTryTimeout: 1_000, conditions: [.serverError], backoff: 0)
    var plan = RetryPlan(rule, method: "GET", timeout: 3_000)
    // The client is still sending: only the try is timed.
    #expect(plan.deadline == nil && plan.tryDeadline(from: after(0)) == after(1))
    plan.requestEnded(now: after(10))
    plan.requestEnded(now: after(11))
    #expect(plan.deadline == after(13))
    #expect(plan.tryDeadline(from: after(10)) == after(11))
    #expect(plan.tryDeadline(from: after(12.5)) == after(13))
    #expect(decide(&plan, .timedOut(requestSent: true), at: 12.9).giveUp == nil)
    let late = decide(&plan, .timedOut(requestSent: true), at: 13).giveUp
    #expect(late == .noTimeLeft && late?.flag == .upstreamRequestTimeout)
    let free = RetryPlan(RetryRule(attempts: 1, conditions: []), method: "GET", timeout: 0)
    #expect(free.tryDeadline(from: after(0)) == nil)
  }

  @Test func triedEndpointsAreRemembered() {
    let handles = (0..<2).map { EndpointHandle(slot: $0, generation: 0) }
    var plan = RetryPlan(RetryRule(attempts: 3, conditions: [.serverError]), method: "GET", timeout: nil)
    for handle in handles { #expect(decide(&plan, .connectFailure, by: handle).giveUp == nil) }
    #expect(plan.tried == handles)
    var stays = RetryPlan(
      RetryRule(attempts: 3, conditions: [.serverError], avoidsTriedEndpoints: false), method: "GET",
      timeout: nil)
    #expect(decide(&stays, .connectFailure, by: handles[0]).giveUp == nil)
    #expect(stays.tried.isEmpty)
  }

  @Test func breakerAndBudgetRefuse() {
    var pool = ConnectionPool()
    pool.maxRetries = 0
    let closed = CircuitBreaker(pool)
    var plan = RetryPlan(RetryRule(attempts: 3, conditions: [.serverError]), method: "GET", timeout: nil)
    let full = decide(&plan, .connectFailure, closed).giveUp
    #expect(full == .tooManyRetries(CircuitBreaker.Overflow(limit: .retries, allowed: 0)))
    #expect(full?.flag == .upstreamOverflow && full?.name == "max-retries")
    ledger.budget = RetryBudget(percent: 0, minimum: 0)
    let broke = decide(&plan, .connectFailure).giveUp
    #expect(broke == .budgetUsedUp && broke?.flag == .upstreamOverflow)
    // What was refused holds no place, and is no retry.
    #expect(breaker.figures(.retries).used == 0 && plan.retries == 0 && plan.tried.isEmpty)
  }

  /// A ticket that is dropped, however it comes to that, gives both back.
  @Test func ticketsGiveBackWhatTheyHold() {
    var plan = RetryPlan(RetryRule(attempts: 3, conditions: [.serverError]), method: "GET", timeout: nil)
    #expect(decide(&plan, .connectFailure).giveUp == nil)
    #expect(breaker.figures(.retries).used == 0)
    #expect(ledger.underWay == (0, 0))
  }

  @Test(
    arguments: [
      (TryResult.connectFailure, Observation.failed), (.refusedStream, nil),
      (.reset(requestSent: true), .failed),
      (.timedOut(requestSent: true), .timedOut), (.answered(status: 404), .answered(status: 404)),
      (.answered(status: 200, grpcStatus: 14), .answered(status: 503)),
      (.answered(status: 200, grpcStatus: 0), .answered(status: 200)),
      (.answered(status: 200, grpcStatus: 99), .answered(status: 500)),
    ] as [(TryResult, Observation?)]) func observations(_ result: TryResult, _ expected: Observation?)
  {
    #expect(result.observation == expected)
  }
}
