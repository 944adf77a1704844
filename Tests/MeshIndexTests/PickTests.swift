import MeshModel
import Testing

@testable import MeshIndex

@Suite struct PickTests {
  private func order(_ endpoints: Int, dual: Bool = false) throws -> MeshSnapshot {
    var state = try delivered { state in
      state.upsert(try service("order", at: ["10.96.0.1", "fd00:96::1"]))
      for index in 0..<endpoints {
        let addresses = ["10.244.\(index / 250).\(index % 250 + 1)"] + (dual ? ["fd00::\(index + 1)"] : [])
        state.upsert(try workload("order-\(index)", at: addresses, backs: ["order": [(80, 8080)]]))
      }
    }
    return state.snapshot()
  }

  private func route(_ snapshot: MeshSnapshot, _ destination: String = "10.96.0.1:80") throws -> ServiceRoute
  {
    let source = try workload("web", at: ["10.244.99.1"])
    guard case .service(let route) = snapshot.route(to: try socket(destination), from: source) else {
      throw Unreadable()
    }
    return route
  }

  @Test(arguments: [1, 2, 3, 7, 40])
  func spreadsEvenly(endpoints: Int) throws {
    let snapshot = try order(endpoints)
    let route = try route(snapshot)
    var random = SeededGenerator(seed: UInt64(endpoints))
    var counts: [SocketAddress: Int] = [:]
    let draws = 1000 * endpoints
    for _ in 0..<draws {
      let endpoint = try #require(snapshot.pick(route, using: &random))
      counts[endpoint.address, default: 0] += 1
    }
    #expect(counts.count == endpoints)
    // Six standard deviations of a fair draw.
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 190 })
  }

  @Test func neverPicksTheExcludedAndSpreadsOverTheRest() throws {
    let snapshot = try order(5)
    let route = try route(snapshot)
    var random = SeededGenerator(seed: 3)
    let excluded = try ["10.244.0.1:8080", "10.244.0.3:8080", "10.244.0.4:8080"].map(socket)
    var counts: [SocketAddress: Int] = [:]
    for _ in 0..<4000 {
      let endpoint = try #require(snapshot.pick(route, excluding: excluded, using: &random))
      counts[endpoint.address, default: 0] += 1
    }
    #expect(Set(counts.keys) == Set(try ["10.244.0.2:8080", "10.244.0.5:8080"].map(socket)))
    #expect(counts.values.allSatisfy { abs($0 - 2000) < 200 })
  }

  /// Excluding each pick in turn visits every endpoint once and then says that none is left.
  @Test(arguments: [1, 4, 30]) func exclusionVisitsEveryEndpointOnce(endpoints: Int) throws {
    let snapshot = try order(endpoints)
    let route = try route(snapshot)
    for seed in UInt64(0)..<20 {
      var random = SeededGenerator(seed: seed)
      var tried: [SocketAddress] = []
      while let endpoint = snapshot.pick(route, excluding: tried, using: &random) {
        #expect(!tried.contains(endpoint.address))
        tried.append(endpoint.address)
      }
      #expect(tried.count == endpoints)
    }
  }

  @Test func keepsTheFamilyOfTheVirtualAddress() throws {
    let snapshot = try order(6, dual: true)
    var random = SeededGenerator(seed: 1)
    for _ in 0..<50 {
      #expect(snapshot.pick(try route(snapshot), using: &random)?.address.ip.family == .v4)
      #expect(snapshot.pick(try route(snapshot, "[fd00:96::1]:80"), using: &random)?.address.ip.family == .v6)
    }
  }

  @Test func takesTheOtherFamilyWhenThereIsNone() throws {
    let snapshot = try order(2)
    var random = SeededGenerator(seed: 1)
    #expect(snapshot.pick(try route(snapshot, "[fd00:96::1]:80"), using: &random)?.address.ip.family == .v4)
  }

  @Test func leavesOutTheUnhealthyUnlessPublished() throws {
    var service = try service("order", at: ["10.96.0.1"])
    var state = try delivered { state in
      state.upsert(service)
      state.upsert(try workload("a", at: ["10.244.0.1"], backs: ["order": [(80, 8080)]], isHealthy: false))
      state.upsert(try workload("b", at: ["10.244.0.2"], backs: ["order": [(80, 8080)]]))
    }
    var random = SeededGenerator(seed: 9)
    let first = state.snapshot()
    for _ in 0..<50 {
      #expect(first.pick(try route(first), using: &random)?.workload.name == "b")
    }
    #expect(first.endpointCounts(of: service.key)?.total == 2)
    #expect(first.endpointCounts(of: service.key)?.usable == 1)
    service.includesUnhealthy = true
    state.upsert(service)
    let second = state.snapshot()
    let names = try Set((0..<50).map { _ in second.pick(try route(second), using: &random)?.workload.name })
    #expect(names == ["a", "b"])
  }

  @Test func targetPortsAreTheEndpointsOwn() throws {
    var state = try delivered { state in
      state.upsert(try service("order", at: ["10.96.0.1"], ports: [(80, 0), (90, 9000), (91, 15008)]))
      state.upsert(try workload("a", at: ["10.244.0.1"], backs: ["order": [(80, 8080)]]))
      state.upsert(try workload("b", at: ["10.244.0.2"], backs: ["order": [(80, 9090)]]))
      state.upsert(try workload("c", at: ["10.244.0.3"], backs: ["order": []]))
    }
    let snapshot = state.snapshot()
    var random = SeededGenerator(seed: 9)
    var named: Set<String> = []
    var numbered: Set<String> = []
    for _ in 0..<100 {
      named.insert("\(try #require(snapshot.pick(try route(snapshot), using: &random)).address)")
      numbered.insert(
        "\(try #require(snapshot.pick(try route(snapshot, "10.96.0.1:90"), using: &random)).address)")
    }
    #expect(named == ["10.244.0.1:8080", "10.244.0.2:9090"])
    #expect(numbered == ["10.244.0.1:9000", "10.244.0.2:9000", "10.244.0.3:9000"])
    let source = try workload("web", at: ["10.244.99.1"])
    #expect(snapshot.route(to: try socket("10.96.0.1:91"), from: source) == .refuse(.notReady))
  }

  @Test func identitiesAreTheWorkloadsAndTheServices() throws {
    var service = try service("order", at: ["10.96.0.1"])
    let own = try Identity(trustDomain: .clusterLocal, namespace: "production", serviceAccount: "a-sa")
    let other = try Identity(trustDomain: .clusterLocal, namespace: "vm", serviceAccount: "order")
    service.subjectAltNames = [other, own]
    var state = try delivered { state in
      state.upsert(service)
      state.upsert(try workload("a", at: ["10.244.0.1"], backs: ["order": [(80, 8080)]]))
    }
    let snapshot = state.snapshot()
    var random = SeededGenerator(seed: 9)
    #expect(snapshot.pick(try route(snapshot), using: &random)?.identities == [own, other])
  }

  @Test func anOldRouteIsPickedFromTheNewSnapshot() throws {
    var state = try delivered { state in
      state.upsert(try service("order", at: ["10.96.0.1"]))
      state.upsert(try workload("a", at: ["10.244.0.1"], backs: ["order": [(80, 8080)]]))
    }
    let old = try route(state.snapshot())
    state.removeWorkload(uid: "Kubernetes//Pod/production/a")
    state.upsert(try workload("b", at: ["10.244.0.2"], backs: ["order": [(80, 8080)]]))
    var random = SeededGenerator(seed: 9)
    #expect(state.snapshot().pick(old, using: &random)?.workload.name == "b")
    state.removeService(serviceKey("order"))
    #expect(state.snapshot().pick(old, using: &random) == nil)
  }
}
