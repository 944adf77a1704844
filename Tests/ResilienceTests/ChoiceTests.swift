import Bytes
import MeshModel
import Testing

@testable import Resilience

@Suite struct ChoiceTests {
  static let simple: [LoadBalancing.Algorithm] = [.leastRequest, .roundRobin, .random]
  static let all =
    simple + [
      .hash(.sourceAddress, .ring(minimumSize: 1024)), .hash(.sourceAddress, .maglev(size: 65_537)),
    ]

  @Test(arguments: all) func nobodyIsPickedOfNone(_ algorithm: LoadBalancing.Algorithm) {
    let bench = Bench(policy(algorithm), [])
    #expect(bench.request(hash: 7) == nil)
    bench.update([endpoint(1, isReady: false)])
    #expect(bench.request(hash: 7) == nil)
    #expect(bench.balancer.counts == (1, 0, 0))
  }

  @Test(arguments: all) func everyoneIsReachedAndNobodyElse(_ algorithm: LoadBalancing.Algorithm) {
    let bench = Bench(policy(algorithm), endpoints(7) + [endpoint(8, isReady: false)])
    var seen: Set<String> = []
    for hash in 0..<2_000 { bench.request(hash: UInt64(hash)).map { _ = seen.insert($0.name) } }
    #expect(seen == Set((0..<7).map { "pod-\($0)" }))
  }

  /// Nine degrees of freedom: the statistic is above 27.9 once in a thousand times for a fair choice.
  @Test(arguments: [LoadBalancing.Algorithm.leastRequest, .random], [1, 2, 3] as [UInt64])
  func sharesAreEven(_ algorithm: LoadBalancing.Algorithm, _ seed: UInt64) {
    let bench = Bench(policy(algorithm), endpoints(10), seed: seed)
    let shares = bench.shares(20_000)
    #expect(chiSquare((0..<10).map { shares["pod-\($0)"] ?? 0 }, Array(repeating: 0.1, count: 10)) < 27.9)
  }

  @Test(arguments: [LoadBalancing.Algorithm.leastRequest, .random], [2, 5])
  func sharesFollowWeights(_ algorithm: LoadBalancing.Algorithm, _ count: Int) {
    let bench = Bench(policy(algorithm), (1...count).map { endpoint($0, weight: $0) })
    let shares = bench.shares(20_000)
    let sum = Double(count * (count + 1) / 2)
    let statistic = chiSquare(
      (1...count).map { shares["pod-\($0)"] ?? 0 }, (1...count).map { Double($0) / sum })
    // Four degrees of freedom at most: 18.5 once in a thousand.
    #expect(statistic < 18.5)
  }

  @Test func roundRobinIsExact() {
    let bench = Bench(policy(.roundRobin), (1...4).map { endpoint($0, weight: $0) })
    let shares = bench.shares(1_000)
    for number in 1...4 { #expect(abs((shares["pod-\(number)"] ?? 0) - number * 100) <= 1) }
  }

  /// Whoever comes, goes or comes back, everyone there gets an equal part of what follows.
  @Test func roundRobinStaysFairWhileEndpointsChange() {
    let bench = Bench(policy(.roundRobin), endpoints(5))
    for round in 1...40 {
      let present = (0..<10).filter { ($0 * 7 + round * 3) % 10 < 6 }
      bench.update(present.map { endpoint($0) })
      let shares = bench.shares(present.count * 10)
      for number in present {
        #expect((9...11).contains(shares["pod-\(number)"] ?? 0), "round \(round), pod-\(number)")
      }
    }
  }

  /// Every snapshot of the mesh updates: turns are kept through it.
  @Test func roundRobinGoesOnAfterAnUpdate() {
    let bench = Bench(policy(.roundRobin), endpoints(3))
    var shares: [String: Int] = [:]
    for _ in 0..<300 {
      bench.update(endpoints(3))
      if let name = bench.request()?.name { shares[name, default: 0] += 1 }
    }
    #expect(shares == ["pod-0": 100, "pod-1": 100, "pod-2": 100])
  }

  @Test func roundRobinStartsAnywhere() {
    let firsts = Set(
      (1...40).compactMap { seed -> String? in
        let bench = Bench(policy(.roundRobin), endpoints(10), seed: UInt64(seed) &* 0x9e37_79b9)
        return bench.request()?.name
      })
    #expect(firsts.count > 5)
  }

  /// One endpoint is slow: what it has under way keeps others from going there.
  @Test func leastRequestAvoidsTheBusy() {
    let bench = Bench(policy(), endpoints(4))
    let slow = bench.handles(4)["pod-0"]
    let (active, share) = busyShare(bench, slow: "pod-0")
    #expect(active == share && share > 0)
    // At random it would be 500 of 2,000.
    #expect(share < 60)
    #expect(slow.map { bench.balancer.active(at: $0) } == 0)
  }

  /// Of two that weigh differently, the second drawn is always the other one.
  @Test(arguments: [[1, 2], [5, 1]]) func leastRequestComparesTwo(_ weights: [Int]) {
    let bench = Bench(policy(), weights.enumerated().map { endpoint($0.offset, weight: $0.element) })
    #expect(busyShare(bench, slow: "pod-0").share <= 1)
    #expect(busyShare(bench, slow: "pod-1").share <= 1)
  }

  /// Requests to `slow` last through 2,000 picks, others end at once.
  private func busyShare(_ bench: Bench, slow: String) -> (held: Int, share: Int) {
    var held: [Held] = []
    for _ in 0..<2_000 {
      if let request = bench.hold(), request.name == slow { held.append(request) }
    }
    let active = held.first.map { bench.balancer.active(at: $0.handle) } ?? 0
    return (active, held.count)
  }

  @Test(arguments: all) func triedEndpointsAreAvoidedWhileThereAreOthers(_ algorithm: LoadBalancing.Algorithm)
  {
    let bench = Bench(policy(algorithm), endpoints(5))
    for hash in 0..<50 {
      var tried: [EndpointHandle] = []
      var names: Set<String> = []
      for _ in 0..<5 {
        guard let picked = bench.request(hash: UInt64(hash), excluding: tried) else { continue }
        tried.append(picked.handle)
        names.insert(picked.name)
      }
      #expect(names.count == 5)
      // All were tried: then any of them again.
      #expect(bench.request(hash: UInt64(hash), excluding: tried) != nil)
    }
  }

  @Test func triedEndpointsKeepTheirTurns() {
    let bench = Bench(policy(.roundRobin), endpoints(4))
    let all = bench.handles(4)
    guard let first = all["pod-0"] else { return }
    for _ in 0..<40 { _ = bench.request(excluding: [first]) }
    // It was passed over, not served: it is its turn, once.
    #expect(bench.request()?.name == "pod-0")
    #expect(bench.request()?.name != "pod-0")
  }

  @Test func subsetsAreByAllLabels() {
    var random = Seeded(1)
    let balancer = Balancer(policy(), subset: ["version": "v2", "tier": "a"])
    balancer.update(
      [
        endpoint(1, labels: ["version": "v1", "tier": "a"]),
        endpoint(2, labels: ["version": "v2", "tier": "a"]),
        endpoint(3, labels: ["version": "v2"]),
      ], now: after(0), using: &random)
    #expect(balancer.counts.all == 1)
    guard let lease = balancer.pick(now: after(0), using: &random) else {
      Issue.record("nobody was picked")
      return
    }
    #expect(lease.endpoint.id.workload == "pod-2")
  }

  @Test func whatIsUnderWayStaysWithTheEndpoint() throws {
    let bench = Bench(policy(), endpoints(3))
    let held = try #require(bench.hold())
    let handle = held.handle
    bench.update(endpoints(5))
    #expect(bench.balancer.active(at: handle) == 1)
    // All go, and others take their slots: the lease's end must not touch a newcomer.
    bench.update([])
    bench.update((10..<15).map { endpoint($0) })
    #expect(bench.balancer.active(at: handle) == 0)
    held.finish(.answered(status: 500), now: bench.now)
    for (_, handle) in bench.handles(5) { #expect(bench.balancer.active(at: handle) == 0) }
  }

  @Test func duplicatesAreOne() {
    let bench = Bench(policy(), [endpoint(1), endpoint(1), endpoint(2)])
    #expect(bench.balancer.counts.all == 2)
    #expect(bench.shares(100).count == 2)
  }
}
