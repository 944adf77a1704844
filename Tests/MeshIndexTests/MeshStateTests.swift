import MeshModel
import Testing

@testable import MeshIndex

@Suite struct MeshStateTests {
  let address = "10.244.2.1"

  @Test func workloadsMayComeBeforeTheirServices() throws {
    var state = try delivered { state in
      state.upsert(try workload("a", at: [address], backs: ["order": [(80, 8080)]]))
    }
    #expect(state.snapshot().service(serviceKey("order")) == nil)
    state.upsert(try service("order", at: ["10.96.0.1"]))
    #expect(state.snapshot().endpointCounts(of: serviceKey("order"))?.usable == 1)
    state.removeService(serviceKey("order"))
    state.upsert(try service("order", at: ["10.96.0.2"]))
    #expect(state.snapshot().endpointCounts(of: serviceKey("order"))?.usable == 1)
    #expect(state.snapshot().service(at: try ip("10.96.0.1")) == nil)
  }

  @Test func aWorkloadLeavesTheServicesItNoLongerNames() throws {
    var state = try delivered { state in
      state.upsert(try service("order", at: ["10.96.0.1"]))
      state.upsert(try workload("a", at: [address], backs: ["order": [(80, 8080)]]))
    }
    let before = state.snapshot()
    state.upsert(try workload("a", at: [address]))
    #expect(state.snapshot().endpointCounts(of: serviceKey("order"))?.total == 0)
    #expect(before.endpointCounts(of: serviceKey("order"))?.total == 1)
  }

  @Test func addressesFollowTheirWorkload() throws {
    var state = try delivered { state in state.upsert(try workload("a", at: [address])) }
    state.upsert(try workload("a", at: ["10.244.2.2"]))
    let snapshot = state.snapshot()
    #expect(snapshot.workload(at: try ip(address)) == nil)
    #expect(snapshot.workload(at: try ip("10.244.2.2"))?.name == "a")
    state.removeAddress(named: "Kubernetes//Pod/production/a")
    #expect(state.snapshot().workload(at: try ip("10.244.2.2")) == nil)
    #expect(state.snapshot().workloadCount == 0)
  }

  @Test func conflictsAreSettledByPodThenTunnelThenHealthThenAge() throws {
    var machine = try workload("machine", at: [address])
    machine.uid = "Kubernetes/networking.istio.io/WorkloadEntry/production/machine"
    let plain = try workload("plain", at: [address], .none)
    let ill = try workload("ill", at: [address], isHealthy: false)
    let well = try workload("well", at: [address])
    let late = try workload("late", at: [address])
    let order = [machine, plain, ill, well, late]
    // The winner is the last of the list whichever way they arrive, except that age needs an order.
    for count in 1...4 {
      var state = try delivered { _ in }
      for workload in order[..<count].reversed() { state.upsert(workload) }
      #expect(state.snapshot().workload(at: try ip(address))?.name == order[count - 1].name)
    }
    var state = try delivered { _ in }
    for workload in order { state.upsert(workload) }
    for expected in order.reversed() {
      #expect(state.snapshot().workload(at: try ip(address))?.name == expected.name)
      state.removeWorkload(uid: expected.uid)
    }
    #expect(state.snapshot().workload(at: try ip(address)) == nil)
  }

  @Test func anUpdateKeepsItsPlaceInAConflict() throws {
    var state = try delivered { state in
      state.upsert(try workload("old", at: [address]))
      state.upsert(try workload("new", at: [address]))
      state.upsert(try workload("old", at: [address], policies: ["production/p"]))
    }
    #expect(state.snapshot().workload(at: try ip(address))?.name == "new")
    state.upsert(try workload("new", at: [address], isHealthy: false))
    #expect(state.snapshot().workload(at: try ip(address))?.name == "old")
  }

  @Test func hostNetworkAddressesNameNobody() throws {
    var pod = try workload("agent", at: [address], .none, backs: ["metrics": [(80, 8080)]])
    pod.usesHostNetwork = true
    var state = try delivered { state in
      state.upsert(pod)
      state.upsert(try service("metrics", at: ["10.96.0.1"]))
    }
    let snapshot = state.snapshot()
    #expect(snapshot.workload(at: try ip(address)) == nil)
    #expect(snapshot.endpointCounts(of: serviceKey("metrics"))?.usable == 1)
  }

  @Test func policiesAreFoundByScope() throws {
    func policy(_ name: String, _ namespace: String, _ scope: Authorization.Scope) -> Authorization {
      Authorization(name: name, namespace: namespace, scope: scope, action: .deny, rules: [])
    }
    var state = try delivered { state in
      state.upsert(policy("mesh", "istio-system", .global))
      state.upsert(policy("b", "production", .namespace))
      state.upsert(policy("a", "production", .namespace))
      state.upsert(policy("other", "staging", .namespace))
      state.upsert(policy("mine", "production", .workloadSelector))
      state.upsert(policy("unbound", "production", .workloadSelector))
    }
    let pod = try workload("a", at: [address], policies: ["production/mine", "production/late"])
    var found = state.snapshot().authorizations(for: pod)
    #expect(found.policies.map(\.name) == ["mesh", "a", "b", "mine"])
    #expect(found.missing == ["production/late"])
    #expect(found.isDelivered)
    state.upsert(policy("late", "production", .workloadSelector))
    state.upsert(policy("b", "production", .workloadSelector))
    state.removeAuthorization("istio-system/mesh")
    found = state.snapshot().authorizations(for: pod)
    #expect(found.policies.map(\.name) == ["a", "mine", "late"])
    #expect(found.missing.isEmpty)
  }

  @Test func anUnreadablePolicyDeniesUntilAReadableOneComes() throws {
    let pod = try workload("a", at: [address])
    let readable = Authorization(
      name: "p", namespace: "production", scope: .namespace, action: .deny, rules: [])
    var state = try delivered { _ in }
    state.rejectAuthorization("production/p", namespace: "production", scope: .namespace)
    #expect(state.snapshot().authorizations(for: pod).missing == ["production/p"])
    #expect(state.snapshot().authorizations(for: try workload("b", "staging", at: [])).missing.isEmpty)
    state.upsert(readable)
    #expect(state.snapshot().authorizations(for: pod).missing.isEmpty)
    state.rejectAuthorization("production/p", namespace: "production", scope: .namespace)
    #expect(state.snapshot().authorizations(for: pod).policies == [readable])
    #expect(state.snapshot().authorizations(for: pod).missing.isEmpty)
  }

  @Test func policyRevisionChangesWithWhatBinds() throws {
    var state = try delivered { state in state.upsert(try workload("a", at: [address])) }
    let first = state.snapshot()
    state.upsert(try workload("a", at: [address], isHealthy: false))
    #expect(state.snapshot().policyRevision == first.policyRevision)
    #expect(state.snapshot().revision > first.revision)
    state.upsert(try workload("a", at: [address], policies: ["production/p"]))
    let second = state.snapshot()
    #expect(second.policyRevision > first.policyRevision)
    state.upsert(Authorization(name: "p", namespace: "production", scope: .global, action: .deny, rules: []))
    #expect(state.snapshot().policyRevision > second.policyRevision)
  }
}
