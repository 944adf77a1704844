import Bytes
import MeshModel
import Testing

@testable import Resilience

@Suite struct HashingTests {
  static let tables: [LoadBalancing.HashTable] = [.ring(minimumSize: 1024), .maglev(size: 65_537)]
  static let keys = 10_000

  private func bench(_ table: LoadBalancing.HashTable, _ list: [Endpoint], seed: UInt64 = 1) -> Bench {
    Bench(
      policy(.hash(.sourceAddress, table), outliers: outliers { $0.maxEjectionPercent = 100 }), list,
      seed: seed)
  }

  private func owners(_ bench: Bench) -> [String] {
    (0..<Self.keys).map { bench.request(hash: UInt64($0))?.name ?? "" }
  }

  @Test(arguments: tables) func theSameInEveryProcess(_ table: LoadBalancing.HashTable) {
    let one = bench(table, endpoints(9))
    let other = bench(table, endpoints(9).reversed(), seed: 99)
    #expect(owners(one) == owners(other))
  }

  @Test(arguments: tables) func sharesAreNearlyEven(_ table: LoadBalancing.HashTable) {
    let bench = bench(table, endpoints(10))
    var shares: [String: Int] = [:]
    for owner in owners(bench) { shares[owner, default: 0] += 1 }
    #expect(shares.count == 10)
    for (_, share) in shares { #expect((650...1_350).contains(share), "\(table) \(shares)") }
  }

  @Test(arguments: tables) func sharesFollowWeights(_ table: LoadBalancing.HashTable) {
    let bench = bench(table, [endpoint(1), endpoint(2), endpoint(3, weight: 8)])
    let heavy = owners(bench).count { $0 == "pod-3" }
    #expect((7_200...8_800).contains(heavy), "\(heavy)")
  }

  /// Whoever was not with the removed endpoint stays where they were; Maglev moves a few more.
  @Test(arguments: tables, [4, 10, 40]) func removalMovesOnlyItsShare(
    _ table: LoadBalancing.HashTable, _ count: Int
  ) {
    let bench = bench(table, endpoints(count))
    let before = owners(bench)
    bench.update(endpoints(count).filter { $0.id.workload != "pod-2" })
    let after = owners(bench)
    let astray = zip(before, after).count { $0 != "pod-2" && $0 != $1 }
    let allowed =
      switch table {
      case .ring: count < 33 ? Self.keys / count : 0
      case .maglev: Self.keys / 50
      }
    #expect(astray <= allowed, "\(astray) of \(Self.keys) moved needlessly")
    #expect(!after.contains("pod-2") && before.contains("pod-2"))
    bench.update(endpoints(count))
    #expect(owners(bench) == before)
  }

  private func members(_ count: Int) -> [(digest: UInt64, weight: Int)] {
    (0..<count).map { (UInt64($0), 1) }
  }

  /// An ejected endpoint is passed over: not one other key moves, and all come back with it.
  @Test(arguments: tables) func ejectionMovesOnlyItsShare(_ table: LoadBalancing.HashTable) throws {
    let bench = bench(table, endpoints(10))
    let before = owners(bench)
    let key = try #require(before.firstIndex(of: "pod-4"))
    let handle = try #require(bench.request(hash: UInt64(key))).handle
    bench.fail(handle, times: 5)
    #expect(bench.balancer.isEjected(handle))
    let during = owners(bench)
    for (old, new) in zip(before, during) { #expect(old == "pod-4" ? new != "pod-4" : new == old) }
    #expect(Set(zip(before, during).filter { $0.0 == "pod-4" }.map(\.1)).count > 4, "all went to few")
    #expect(during == owners(bench))
    bench.now = after(31)
    #expect(owners(bench) == before)
  }

  @Test(arguments: tables) func oneLeftGetsEverything(_ table: LoadBalancing.HashTable) {
    let bench = bench(table, endpoints(200))
    let handles = bench.handles(200)
    #expect(handles.count == 200)
    for (name, handle) in handles where name != "pod-7" { bench.fail(handle, times: 5) }
    #expect(Set(owners(bench)) == ["pod-7"])
  }

  @Test func withoutAHashAnyoneWillDo() {
    let bench = bench(Self.tables[0], endpoints(4))
    #expect(bench.shares(400).count == 4)
  }

  @Test(arguments: [
    (1, 1024, 1024...1024), (3, 1024, 1024...1026), (100, 1024, 3_200...3_200),
    (1_000, 5_000, 32_000...32_000),
    (10, 10_000_000, 262_144...262_154), (10_000, 1024, 262_144...272_144),
  ]) func ringsAreBounded(_ count: Int, _ minimum: Int, _ expected: ClosedRange<Int>) {
    #expect(expected.contains(HashRing(members(count), minimumSize: minimum).count))
  }

  @Test(arguments: [1, 10, 3_000]) func ringsAreSorted(_ count: Int) {
    let ring = HashRing(members(count), minimumSize: 1_024)
    #expect(ring.points == ring.points.sorted())
  }

  @Test func unequalWeightsDoNotInflateRings() {
    let ring = HashRing([(1, 1), (2, 1_000_000)], minimumSize: 1024)
    #expect((1_024...1_026).contains(ring.count))
  }

  @Test(arguments: [(2, 2), (3, 3), (4, 5), (65_536, 65_537), (65_537, 65_537)])
  func tablesArePrime(_ size: Int, _ expected: Int) {
    #expect(MaglevTable(members(3), size: size).count == expected)
  }
}
