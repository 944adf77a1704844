import Bytes
import MeshModel
import Testing

@testable import Resilience

@Suite struct WarmUpTests {
  private func bench(_ algorithm: LoadBalancing.Algorithm, _ list: [Endpoint]) -> Bench {
    Bench(policy(algorithm) { $0.warmUp = .init(duration: 60_000) }, list)
  }

  @Test(arguments: [(0.0, 0.1), (3.0, 0.1), (30.0, 0.5), (59.0, 59 / 60.0), (60.0, 1.0), (1_000.0, 1.0)])
  func sharesGrow(_ seconds: Double, _ expected: Double) {
    let rule = LoadBalancing.WarmUp(duration: 60_000)
    #expect(abs(rule.share(age: .milliseconds(Int(seconds * 1_000))) - expected) < 1e-9)
  }

  @Test func aggressionBendsTheCurve() {
    let half = Interval.seconds(30)
    let slow = LoadBalancing.WarmUp(duration: 60_000, minimum: 0, aggression: 0.5)
    let quick = LoadBalancing.WarmUp(duration: 60_000, minimum: 0, aggression: 2)
    #expect(abs(slow.share(age: half) - 0.25) < 1e-9)
    #expect(abs(quick.share(age: half) - 0.5.squareRoot()) < 1e-9)
  }

  /// Nine warm ones and one of 30 s, whose share is half of theirs: 1 in 19.
  @Test(arguments: ChoiceTests.simple) func theNewcomerGetsItsPart(_ algorithm: LoadBalancing.Algorithm) {
    let bench = bench(algorithm, endpoints(9))
    bench.now = after(100)
    bench.update(endpoints(10))
    bench.now = after(130)
    let count = bench.shares(19_000)["pod-9"] ?? 0
    #expect((850...1_150).contains(count), "\(algorithm): \(count)")
    bench.now = after(161)
    #expect((1_750...2_050).contains(bench.shares(19_000)["pod-9"] ?? 0))
  }

  @Test(arguments: ChoiceTests.simple) func equallyYoungOnesShareEvenly(_ algorithm: LoadBalancing.Algorithm)
  {
    let bench = bench(algorithm, endpoints(4))
    let shares = bench.shares(4_000)
    for number in 0..<4 { #expect((850...1_150).contains(shares["pod-\(number)"] ?? 0)) }
  }

  /// However little each has at first: what counts is what the others have.
  @Test func weightsHoldFromTheFirstRequest() {
    let bench = Bench(
      policy(.random) { $0.warmUp = .init(duration: 60_000, minimum: 0) },
      [endpoint(0), endpoint(1, weight: 3)])
    #expect((850...1_150).contains(bench.shares(4_000)["pod-0"] ?? 0))
  }

  @Test func whoBecomesReadyIsNew() {
    let bench = bench(.random, [endpoint(0), endpoint(1, isReady: false)])
    bench.now = after(1_000)
    bench.update(endpoints(2))
    #expect((800...1_200).contains(bench.shares(11_000)["pod-1"] ?? 0))
  }

  @Test func theOnlyOneIsUsedHoweverYoung() {
    let bench = bench(.leastRequest, [endpoint(0), endpoint(1)])
    bench.now = after(100)
    bench.update([endpoint(2)])
    #expect(bench.shares(10) == ["pod-2": 10])
  }
}
