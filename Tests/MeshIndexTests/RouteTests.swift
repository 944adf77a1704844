import MeshModel
import Testing

@testable import MeshIndex

@Suite struct RouteTests {
  let web: Workload

  init() throws { web = try workload("web", at: ["10.244.1.2", "fd00::2"]) }

  private func shop() throws -> MeshSnapshot {
    var state = try delivered { state in
      state.upsert(web)
      state.upsert(try service("order", at: ["10.96.0.1", "fd00:96::1"], ports: [(80, 8080), (90, 0)]))
      state.upsert(try service("idle", at: ["10.96.0.2"]))
      state.upsert(try workload("order-1", at: ["10.244.2.1", "fd00::21"], backs: ["order": [(80, 8080)]]))
      state.upsert(try workload("legacy", at: ["10.244.2.9"], .none))
    }
    return state.snapshot()
  }

  private func route(_ destination: String) throws -> Route {
    try shop().route(to: socket(destination), from: web)
  }

  @Test(arguments: ["192.0.2.1:80", "[2001:db8::1]:443", "192.0.2.1:15008", "10.96.0.99:80"])
  func theUnknownPasses(destination: String) throws {
    #expect(try route(destination) == .passthrough)
  }

  @Test(arguments: ["10.244.1.2:80", "[fd00::2]:80", "127.0.0.1:80", "[::1]:80"])
  func ownAddressesAreLocal(destination: String) throws {
    #expect(try route(destination) == .local)
  }

  @Test(arguments: [
    "10.244.1.2:15001", "127.0.0.1:15006", "10.244.2.1:15008", "10.244.2.1:15001", "10.96.0.1:15008",
    "10.244.2.9:15006",
  ])
  func portsOfTheMeshAreRefused(destination: String) throws {
    #expect(try route(destination) == .refuse(.reservedPort))
  }

  @Test func workloadsAreReachedByAddress() throws {
    guard case .direct(let endpoint) = try route("10.244.2.1:9000") else {
      Issue.record("not direct")
      return
    }
    #expect(endpoint.workload.name == "order-1")
    #expect(endpoint.address.description == "10.244.2.1:9000")
    #expect(endpoint.tunnelAddress.description == "10.244.2.1:15008")
    #expect(endpoint.identities.map(\.serviceAccount) == ["order-1-sa"])
    guard case .plaintext(let legacy) = try route("10.244.2.9:80") else {
      Issue.record("not plaintext")
      return
    }
    #expect(legacy.tunnel == .none)
  }

  @Test func servicesAreReachedByVirtualAddress() throws {
    guard case .service(let route) = try route("[fd00:96::1]:80") else {
      Issue.record("not a service")
      return
    }
    #expect(route.service.name == "order")
    #expect(route.port == 80)
    #expect(route.family == .v6)
  }

  @Test func servicesRefuseWhatTheyCannotServe() throws {
    #expect(try route("10.96.0.1:81") == .refuse(.unknownPort))
    #expect(try route("10.96.0.1:90") == .refuse(.notReady))
    #expect(try route("10.96.0.2:80") == .refuse(.notReady))
  }

  @Test func beforeDeliveryAllIsRefused() throws {
    #expect(MeshSnapshot.unknown.route(to: try socket("192.0.2.1:80"), from: web) == .refuse(.notReady))
    var state = MeshState()
    state.upsert(try workload("order-1", at: ["10.244.2.1"]))
    #expect(state.snapshot().route(to: try socket("10.244.2.1:80"), from: web) == .refuse(.notReady))
    state.markAddressesDelivered()
    #expect(state.snapshot().route(to: try socket("192.0.2.1:80"), from: web) == .passthrough)
    #expect(!state.snapshot().authorizations(for: web).isDelivered)
  }

  @Test func aWorkloadsAddressBeatsAVirtualOne() throws {
    var state = try delivered { state in
      state.upsert(try service("order", at: ["10.244.2.1"]))
      state.upsert(try workload("order-1", at: ["10.244.2.1"]))
    }
    guard case .direct = state.snapshot().route(to: try socket("10.244.2.1:80"), from: web) else {
      Issue.record("not direct")
      return
    }
  }

  @Test func theClientsNamespaceChoosesAmongServicesOfOneAddress() throws {
    var state = try delivered { state in
      for namespace in ["production", "alpha", "staging"] {
        state.upsert(try service("order", namespace, at: ["10.96.0.1"]))
        state.upsert(
          try workload("pod", namespace, at: ["10.244.9.\(namespace.count)"], backs: ["order": [(80, 8080)]]))
      }
    }
    let snapshot = state.snapshot()
    let address = try ip("10.96.0.1")
    #expect(snapshot.service(at: address, for: "staging")?.namespace == "staging")
    #expect(snapshot.service(at: address, for: "elsewhere")?.namespace == "alpha")
    #expect(snapshot.service(at: address)?.namespace == "alpha")
    state.removeService(serviceKey("order", "alpha"))
    #expect(state.snapshot().service(at: address, for: "elsewhere")?.namespace == "production")
    #expect(snapshot.service(at: address)?.namespace == "alpha")
  }
}
