import MeshModel
import Testing

@testable import MeshIndex

/// Costs, as counts: what a change touches does not grow with the mesh.
@Suite struct SharingTests {
  @Test func oneChangeInFiftyThousandRebuildsOneService() throws {
    var state = try delivered { state in
      for index in 0..<1000 {
        state.upsert(try service("s\(index)", at: ["10.96.\(index / 250).\(index % 250)"]))
      }
      for index in 0..<50_000 {
        state.upsert(
          try workload(
            "w\(index)", at: ["10.\(index / 62_500).\(index / 250).\(index % 250)"],
            backs: ["s\(index % 1000)": [(80, 8080)]]))
      }
    }
    let before = state.snapshot()
    #expect(before.workloadCount == 50_000)
    state.upsert(try workload("w7", at: ["10.0.0.7"], backs: ["s7": [(80, 8080)]], isHealthy: false))
    let after = state.snapshot()
    let rebuilt = after.tables.services.keys.filter {
      after.tables.services[$0] !== before.tables.services[$0]
    }
    #expect(rebuilt.map(\.namespace) == ["production"])
    #expect(rebuilt.map(\.hostname) == ["s7.production.svc.cluster.local"])
    #expect(after.endpointCounts(of: serviceKey("s7"))?.usable == 49)
    #expect(before.endpointCounts(of: serviceKey("s7"))?.usable == 50)
    let replaced = after.tables.workloads.keys.count {
      after.tables.workloads[$0] !== before.tables.workloads[$0]
    }
    #expect(replaced == 1)
  }

  @Test func anEqualUpsertChangesNothing() throws {
    let pod = try workload("a", at: ["10.244.0.1"], backs: ["order": [(80, 8080)]])
    let order = try service("order", at: ["10.96.0.1"])
    var state = try delivered { state in
      state.upsert(order)
      state.upsert(pod)
    }
    let before = state.snapshot()
    state.upsert(order)
    state.upsert(pod)
    let after = state.snapshot()
    #expect(after.tables.services[order.key] === before.tables.services[order.key])
    #expect(after.policyRevision == before.policyRevision)
  }

  @Test func theMapCountsAndForgets() {
    var map = ShardedMap<Int, Int>()
    for key in 0..<2000 { map[key] = key }
    for key in 0..<2000 { map[key] = key + 1 }
    #expect(map.count == 2000)
    let copy = map
    for key in 0..<1999 { map[key] = nil }
    map.update(1999) { $0 = nil }
    map.update(5000) { #expect($0 == nil) }
    #expect(map.count == 0)
    #expect(copy.count == 2000)
    #expect(copy[7] == 8)
    #expect(Set(copy.values).count == 2000)
  }

  /// Random changes to a state give what the same objects give when they arrive at once.
  @Test func theOrderOfDeltasDoesNotMatter() throws {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<40 {
      var state = try delivered { _ in }
      var workloads: [String: Workload] = [:]
      var services: [ServiceKey: Service] = [:]
      for _ in 0..<60 {
        let number = Int.random(in: 0..<6, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
          let service = try service("s\(number)", at: ["10.96.0.\(Int.random(in: 1...4, using: &random))"])
          services[service.key] = service
          state.upsert(service)
        case 1:
          services[serviceKey("s\(number)")] = nil
          state.removeService(serviceKey("s\(number)"))
        case 2:
          let pod = try workload(
            "w\(number)", at: ["10.244.0.\(number)"],
            backs: ["s\(Int.random(in: 0..<6, using: &random))": [(80, 8080)]],
            isHealthy: Bool.random(using: &random))
          workloads[pod.uid] = pod
          state.upsert(pod)
        default:
          let uid = "Kubernetes//Pod/production/w\(number)"
          workloads[uid] = nil
          state.removeWorkload(uid: uid)
        }
        if Bool.random(using: &random) { _ = state.snapshot() }
      }
      var fresh = try delivered()
      for workload in workloads.values { fresh.upsert(workload) }
      for service in services.values { fresh.upsert(service) }
      let (left, right) = (state.snapshot(), fresh.snapshot())
      #expect(Set(left.workloads) == Set(right.workloads))
      #expect(Set(left.services) == Set(right.services))
      for key in services.keys {
        #expect(left.endpointCounts(of: key)?.total == right.endpointCounts(of: key)?.total)
        #expect(left.endpointCounts(of: key)?.usable == right.endpointCounts(of: key)?.usable)
      }
      for last in 0..<6 {
        let address = try ip("10.96.0.\(last)")
        #expect(left.service(at: address) == right.service(at: address))
        let pod = try ip("10.244.0.\(last)")
        #expect(left.workload(at: pod) == right.workload(at: pod))
      }
    }
  }
}
