import Bytes
import MeshModel
import Testing

@testable import Resilience

/// Numbers that nobody should write must not stop a waypoint.
@Suite struct BoundsTests {
  static let extremes = [Int.min, -1, 0, 1, Int.max]

  @Test(arguments: extremes) func policiesOfAnyNumbers(_ number: Int) throws {
    let rule = outliers {
      $0.consecutive5xx = 1
      $0.interval = number
      $0.baseEjectionTime = number
      $0.maxEjectionPercent = number
      $0.minHealthPercent = number
    }
    for algorithm: LoadBalancing.Algorithm in [
      .roundRobin, .hash(.sourceAddress, .ring(minimumSize: number)),
      .hash(.sourceAddress, .maglev(size: min(number, 10))),
    ] {
      let bench = Bench(
        policy(algorithm, outliers: rule) {
          $0.warmUp = .init(duration: number, minimum: .nan, aggression: .nan)
        },
        [endpoint(1, weight: number), endpoint(2)])
      let picked = try #require(bench.request(hash: 1, .answered(status: 500)))
      bench.fail(picked.handle, times: 3)
      bench.now = after(1_000)
      _ = bench.request(hash: 1)
      #expect(bench.balancer.counts.all == 2)
    }
  }

  @Test(arguments: extremes) func retriesOfAnyNumbers(_ number: Int) {
    var pool = ConnectionPool()
    pool.maxRetries = number
    let ledger = RetryLedger(RetryBudget(percent: number < 0 ? .nan : .infinity, minimum: number))
    var plan = RetryPlan(
      RetryRule(attempts: number, perTryTimeout: number, conditions: [.serverError], backoff: number),
      method: "GET", timeout: number)
    plan.requestEnded(now: after(0))
    _ = plan.tryDeadline(from: after(0))
    var random = Seeded(1)
    var retries = 0
    while retries < 1_000,
      case .retry = plan.decide(
        after: .connectFailure, at: nil, bodyIsWhole: true, ledger: ledger, breaker: CircuitBreaker(pool),
        now: after(0), using: &random)
    { retries += 1 }
    #expect(retries <= RetryPlan.mostAttempts)
  }
}
