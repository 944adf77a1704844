import Bytes
import MeshModel
import Testing

@testable import Resilience

@Suite struct LocalityTests {
  static let everywhere = ["eu/a/1", "eu/a/2", "eu/b/1", "us/a/1", "ap/a/1"].enumerated().map {
    endpoint($0.offset, at: $0.element)
  }

  private func bench(
    _ locality: LoadBalancing.Locality, _ list: [Endpoint] = everywhere, from: String = "eu/a/1",
    labels: [String: String] = [:]
  ) -> Bench {
    Bench(
      policy(outliers: outliers { $0.maxEjectionPercent = 100 }) { $0.locality = locality }, list,
      standpoint: Standpoint(locality: place(from), labels: labels))
  }

  /// The nearest are used until none is left; then the next.
  @Test func failoverGoesOutwards() {
    let bench = bench(.failover(regions: ["eu": "ap"]))
    var order: [String] = []
    while let picked = bench.request() {
      #expect(bench.shares(50) == [picked.name: 50])
      order.append(picked.name)
      bench.fail(picked.handle, times: 5)
    }
    #expect(order == ["pod-0", "pod-1", "pod-2", "pod-4", "pod-3"])
    bench.now = after(31)
    #expect(bench.request()?.name == "pod-0")
  }

  @Test func triedNeighboursLeadFarther() throws {
    let bench = bench(.failover(regions: [:]))
    let first = try #require(bench.request())
    let second = try #require(bench.request(excluding: [first.handle]))
    #expect((first.name, second.name) == ("pod-0", "pod-1"))
  }

  @Test func fromNowhereAllAreNear() {
    let bench = bench(.failover(regions: [:]), from: "")
    #expect(bench.shares(500).count == 5)
  }

  @Test func offIgnoresLocality() {
    let bench = bench(.off)
    #expect(bench.shares(500).count == 5)
  }

  @Test func notReadyIsNotNear() {
    var list = Self.everywhere
    list[0] = endpoint(0, at: "eu/a/1", isReady: false)
    let bench = bench(.failover(regions: [:]), list)
    #expect(bench.shares(50) == ["pod-1": 50])
  }

  @Test func priorityComparesLabelsInOrder() {
    let list = [
      endpoint(0, labels: ["net": "x", "version": "v2"]), endpoint(1, labels: ["net": "n", "version": "v1"]),
      endpoint(2, labels: ["net": "n", "version": "v2"]),
    ]
    let bench = bench(.priority(["net", "version=v2"]), list, labels: ["net": "n"])
    var order: [String] = []
    while let picked = bench.request() {
      order.append(picked.name)
      bench.fail(picked.handle, times: 5)
    }
    #expect(order == ["pod-2", "pod-1", "pod-0"])
  }

  @Test func distributionFollowsTheShares() {
    let shares: [String: [String: UInt32]] = [
      "eu/*": ["eu/a/*": 70, "eu/b": 20, "us/*": 10], "*": ["ap": 100], "eu/b/*": ["us": 100],
    ]
    let bench = bench(.distribute(shares))
    let counts = bench.shares(10_000)
    let byPlace = [
      (counts["pod-0"] ?? 0) + (counts["pod-1"] ?? 0), counts["pod-2"] ?? 0, counts["pod-3"] ?? 0,
    ]
    #expect(chiSquare(byPlace, [0.7, 0.2, 0.1]) < 13.8)
    #expect(counts["pod-4"] == nil)
    let elsewhere = self.bench(.distribute(shares), from: "us/a/1")
    #expect(elsewhere.shares(50) == ["pod-4": 50])
    let closer = self.bench(.distribute(shares), from: "eu/b/1")
    #expect(closer.shares(50) == ["pod-3": 50])
  }

  @Test func distributionMovesTheShareOfPlacesThatFail() throws {
    let bench = bench(.distribute(["*": ["eu/b": 50, "us": 50]]))
    let gone = try #require(bench.handles(2)["pod-2"])
    bench.fail(gone, times: 5)
    #expect(bench.shares(50) == ["pod-3": 50])
    let last = try #require(bench.request()).handle
    bench.fail(last, times: 5)
    // Other places were given nothing, and get nothing.
    #expect(bench.request() == nil)
  }

  @Test func distributionKeepsHashesTogether() {
    let bench = Bench(
      policy(.hash(.sourceAddress, .ring(minimumSize: 1024))) {
        $0.locality = .distribute(["*": ["eu": 50, "us": 50]])
      }, Self.everywhere, standpoint: Standpoint(locality: place("eu/a/1")))
    for hash in 0..<200 {
      let names = Set((0..<5).compactMap { _ in bench.request(hash: UInt64(hash))?.name })
      #expect(names.count == 1)
    }
  }
}
