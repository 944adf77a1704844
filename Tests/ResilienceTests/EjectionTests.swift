import Bytes
import MeshModel
import Testing

@testable import Resilience

@Suite struct EjectionTests {
  private func bench(_ count: Int, _ change: (inout OutlierDetection) -> Void = { _ in }) -> Bench {
    Bench(
      policy(
        outliers: outliers {
          $0.maxEjectionPercent = 50
          change(&$0)
        }), endpoints(count))
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var rule: OutlierDetection
    var seen: [Observation]
    var ejects: Bool

    init(_ text: String, _ rule: OutlierDetection, _ seen: [Observation], ejects: Bool) {
      (testDescription, self.rule, self.seen, self.ejects) = (text, rule, seen, ejects)
    }
  }

  private static func times(_ count: Int, _ observation: Observation) -> [Observation] {
    Array(repeating: observation, count: count)
  }
  private static let fine = Observation.answered(status: 200)
  private static let error = Observation.answered(status: 500)
  private static let gateway = Observation.answered(status: 503)
  private static let gatewayRule = outliers {
    $0.consecutive5xx = 0
    $0.consecutiveGatewayErrors = 3
  }
  private static let splitRule = outliers {
    $0.splitsLocalErrors = true
    $0.consecutiveLocalErrors = 3
  }

  static let cases = [
    Case("five in a row", outliers(), times(5, error), ejects: true),
    Case("four are too few", outliers(), times(4, error), ejects: false),
    Case("not in a row", outliers(), times(4, error) + [fine] + times(4, error), ejects: false),
    Case(
      "an answer of 404 is fine", outliers(), times(4, error) + [.answered(status: 404), error], ejects: false
    ),
    Case("gateway errors are 5xx too", outliers(), times(3, gateway) + times(2, error), ejects: true),
    Case("failures count as 5xx", outliers(), times(3, .failed) + times(2, .timedOut), ejects: true),
    Case("5xx off", outliers { $0.consecutive5xx = 0 }, times(50, error), ejects: false),
    Case("gateway errors", gatewayRule, times(3, gateway), ejects: true),
    Case("500 is no gateway error", gatewayRule, times(9, error), ejects: false),
    Case(
      "500 ends a row of gateway errors", gatewayRule, times(2, gateway) + [error, gateway], ejects: false),
    Case("failures are gateway errors", gatewayRule, [.failed, .timedOut, gateway], ejects: true),
    Case("local errors apart", splitRule, times(3, .failed), ejects: true),
    Case(
      "an answer ends a row of local errors", splitRule, times(2, .failed) + [error, .failed], ejects: false),
    Case("local errors are no 5xx", splitRule, times(4, error) + [.failed, .failed], ejects: false),
    Case("local errors leave the row of 5xx", splitRule, times(4, error) + [.failed, error], ejects: true),
    Case(
      "other statuses", outliers { $0.errorStatuses = [429] },
      times(3, .answered(status: 429)) + times(2, error),
      ejects: true),
  ]

  @Test(arguments: cases) func rows(_ entry: Case) throws {
    var rule = entry.rule
    rule.maxEjectionPercent = 50
    let bench = Bench(policy(outliers: rule), endpoints(4))
    let handle = try #require(bench.request()).handle
    for observation in entry.seen { bench.balancer.observe(observation, of: handle, now: bench.now) }
    #expect(bench.balancer.isEjected(handle) == entry.ejects)
  }

  @Test(arguments: [
    (0, 50, 0), (1, 10, 0), (1, 50, 0), (1, 100, 1), (2, 10, 1), (2, 50, 1), (3, 50, 1), (4, 50, 2),
    (5, 50, 2),
    (10, 10, 1), (19, 10, 1), (20, 10, 2), (10, 0, 0), (10, 100, 10), (10, 500, 10), (10, -1, 0),
  ]) func limits(_ ready: Int, _ percent: Int, _ expected: Int) {
    #expect(EndpointPool.ejectionLimit(ready: ready, percent: percent) == expected)
  }

  @Test func theEjectedGetNothingUntilTheirTimeIsOver() throws {
    let bench = bench(3)
    let picked = try #require(bench.request())
    bench.fail(picked.handle, times: 5)
    #expect(bench.shares(300)[picked.name] == nil)
    bench.now = after(29.999)
    #expect(bench.shares(300)[picked.name] == nil)
    bench.now = after(30)
    #expect(bench.shares(300)[picked.name] ?? 0 > 50)
    #expect(bench.balancer.ejections.made == 1)
  }

  /// 30 s, 60 s, 90 s; after three intervals in the pool the count is down again. Never beyond 300 s.
  @Test func ejectionsGrowAndShrink() throws {
    let bench = bench(2) { $0.consecutive5xx = 1 }
    let handle = try #require(bench.request()).handle
    var lengths: [Double] = []
    var time = 0.0
    func eject() {
      bench.now = after(time)
      bench.fail(handle, times: 1)
      var length = 0.0
      while bench.balancer.isEjected(handle) {
        length += 1
        bench.now = after(time + length)
        _ = bench.request()
      }
      lengths.append(length)
      time += length
    }
    for _ in 0..<3 { eject() }
    time += 35
    eject()
    for _ in 0..<14 { eject() }
    #expect(lengths.prefix(4) == [30, 60, 90, 30])
    #expect(lengths.last == 300)
    #expect(lengths.allSatisfy { $0 <= 300 })
  }

  @Test func aBaseBeyondTheLongestHolds() throws {
    let bench = bench(2) { $0.baseEjectionTime = 400_000 }
    let handle = try #require(bench.request()).handle
    bench.fail(handle, times: 5)
    bench.now = after(399)
    _ = bench.request()
    #expect(bench.balancer.isEjected(handle))
    bench.now = after(400)
    _ = bench.request()
    #expect(!bench.balancer.isEjected(handle))
  }

  /// Room for one: the second goes on failing, and is ejected once the first is back.
  @Test func whoFindsNoRoomIsEjectedLater() throws {
    let bench = bench(3)
    let handles = Array(bench.handles(3).values)
    bench.fail(handles[0], times: 5)
    bench.now = after(10)
    bench.fail(handles[1], times: 6)
    #expect(!bench.balancer.isEjected(handles[1]))
    #expect(bench.balancer.ejections.forgone == 2)
    bench.now = after(30)
    bench.fail(handles[1], times: 1)
    #expect(bench.balancer.isEjected(handles[1]) && !bench.balancer.isEjected(handles[0]))
  }

  @Test func fewerEndpointsBringTheEjectedBack() throws {
    let bench = bench(4)
    let handles = bench.handles(4)
    let first = try #require(handles["pod-0"])
    let second = try #require(handles["pod-1"])
    bench.fail(first, times: 5)
    bench.now = after(1)
    bench.fail(second, times: 5)
    #expect(bench.balancer.counts == (4, 4, 2))
    bench.update(endpoints(3))
    #expect(bench.balancer.counts == (3, 3, 1))
    #expect(!bench.balancer.isEjected(first) && bench.balancer.isEjected(second))
    #expect(Set(bench.shares(200).keys) == ["pod-0", "pod-2"])
    bench.update([endpoint(1)])
    #expect(bench.shares(10) == ["pod-1": 10])
  }

  @Test func belowTheHealthyShareEveryoneIsUsed() throws {
    let bench = bench(4) {
      $0.maxEjectionPercent = 100
      $0.minHealthPercent = 60
    }
    let handles = bench.handles(4)
    for name in ["pod-0", "pod-1", "pod-2"] { bench.fail(try #require(handles[name]), times: 5) }
    #expect(bench.balancer.isPanicking)
    // The third was not ejected any more: two of four are too few already.
    #expect(bench.balancer.counts.ejected == 2)
    #expect(bench.shares(400).count == 4)
    bench.now = after(31)
    #expect(bench.shares(400).count == 4 && !bench.balancer.isPanicking)
  }

  @Test func withoutARuleNobodyIsEjected() throws {
    let bench = Bench(policy(), endpoints(3))
    bench.fail(try #require(bench.request()).handle, times: 50)
    #expect(bench.shares(300).count == 3)
    let strict = self.bench(4)
    let ejected = try #require(strict.request()).handle
    strict.fail(ejected, times: 5)
    strict.balancer.adopt(policy(), now: strict.now, using: &strict.random)
    #expect(strict.balancer.counts.ejected == 0 && strict.shares(400).count == 4)
  }

  /// Whatever happens in whatever order: the ejected are never more than allowed, at least one is left, and
  /// who is picked is not ejected.
  @Test(arguments: [10, 30, 50, 99], [1, 2, 3] as [UInt64])
  func theLimitHoldsAlways(_ percent: Int, _ seed: UInt64) {
    var dice = Seeded(seed &* 0x1234_5677)
    let bench = Bench(
      policy(
        outliers: outliers {
          $0.maxEjectionPercent = percent
          $0.consecutive5xx = 2
          $0.baseEjectionTime = 2_000
          $0.interval = 1_000
        }), endpoints(8), seed: seed)
    var known: [EndpointHandle] = []
    for step in 0..<4_000 {
      switch Int.random(in: 0..<20, using: &dice) {
      case 0:
        let present = (0..<16).filter { _ in Bool.random(using: &dice) }
        bench.update(present.map { endpoint($0, isReady: Int.random(in: 0..<6, using: &dice) > 0) })
      case 1: bench.now = bench.now + .milliseconds(Int.random(in: 0...1_500, using: &dice))
      case 2:
        if let handle = known.randomElement(using: &dice) { bench.fail(handle, times: 2) }
      default:
        let status = Bool.random(using: &dice) ? 500 : 200
        if let picked = bench.request() {
          #expect(!bench.balancer.isEjected(picked.handle), "step \(step): an ejected one was picked")
          known = known.suffix(50) + [picked.handle]
          bench.fail(picked.handle, times: 1, .answered(status: status))
        } else {
          #expect(bench.balancer.counts.ready == 0, "step \(step): nobody was picked")
        }
      }
      let counts = bench.balancer.counts
      #expect(
        counts.ejected <= EndpointPool.ejectionLimit(ready: counts.ready, percent: percent),
        "step \(step): \(counts)")
    }
    #expect(bench.balancer.ejections.made > 20)
  }

  /// Every replica answers 500: half stay in use. One recovers: it is found, and gets what it can be given.
  @Test func aRecoveredReplicaIsFound() {
    let bench = bench(6) {
      $0.interval = 1_000
      $0.baseEjectionTime = 5_000
    }
    func run(seconds: Int, healthy: Set<String>) -> (good: Int, all: Int) {
      var good = 0
      for _ in 0..<seconds * 100 {
        bench.now = bench.now + .milliseconds(10)
        guard let picked = bench.request() else { continue }
        let isGood = healthy.contains(picked.name)
        bench.fail(picked.handle, times: 1, .answered(status: isGood ? 200 : 500))
        good += isGood ? 1 : 0
        #expect(bench.balancer.counts.ejected <= 3)
      }
      return (good, seconds * 100)
    }
    #expect(run(seconds: 60, healthy: []) == (0, 6_000))
    #expect(bench.balancer.counts.ejected == 3)
    _ = run(seconds: 300, healthy: ["pod-3"])
    let recovered = run(seconds: 60, healthy: ["pod-3"])
    // A third at least, since half of six are ejected and all of those are among the five that fail.
    #expect(recovered.good * 100 >= recovered.all * 28, "\(recovered)")
    _ = run(seconds: 300, healthy: ["pod-1", "pod-3", "pod-5"])
    let half = run(seconds: 60, healthy: ["pod-1", "pod-3", "pod-5"])
    #expect(half.good * 100 >= half.all * 90, "\(half)")
  }
}
