import MeshModel
import Testing

@testable import MeshIndex

@Suite("The way to what is behind a waypoint")
struct WaypointRouteTests {
  let web: Workload
  let waypoint = serviceKey("order-waypoint")

  init() throws { web = try workload("web", at: ["10.244.1.2"]) }

  private func pod(_ name: String, at address: String, as account: String? = nil, isHealthy: Bool = true)
    throws -> Workload
  {
    var pod = try workload(name, at: [address], backs: ["order-waypoint": []], isHealthy: isHealthy)
    pod.identity = try Identity(
      trustDomain: .clusterLocal, namespace: "production", serviceAccount: account ?? "order-waypoint")
    return pod
  }

  private func shop(_ change: (inout MeshState) throws -> Void = { _ in }) throws -> MeshSnapshot {
    var state = try delivered { state in
      state.upsert(web)
      var order = try workload("order-1", at: ["10.244.2.1"], backs: ["order": [(80, 8080)]])
      order.waypoint = waypoint
      state.upsert(order)
      var front = try service("order", at: ["10.96.0.1"], ports: [(80, 8080)])
      front.waypoint = waypoint
      state.upsert(front)
      var stand = try service("order-waypoint", at: [], ports: [(15008, 15008)])
      stand.subjectAltNames = [try pod("x", at: "10.244.9.9").identity]
      state.upsert(stand)
      try change(&state)
    }
    return state.snapshot()
  }

  private func pick(_ mesh: MeshSnapshot, excluding: [String] = [], turn: UInt = 0) throws -> Endpoint? {
    guard case .waypoint(let route) = try mesh.route(to: socket("10.96.0.1:80"), from: web) else {
      return nil
    }
    return try mesh.pick(route, excluding: excluding.map(socket), turn: turn)
  }

  @Test("the service's address and the pod's own both lead there")
  func both() throws {
    let mesh = try shop()
    guard case .waypoint(let byService) = try mesh.route(to: socket("10.96.0.1:80"), from: web),
      case .waypoint(let byPod) = try mesh.route(to: socket("10.244.2.1:8080"), from: web)
    else {
      Issue.record("a way around the waypoint")
      return
    }
    #expect(byService.waypoint == waypoint && byService.service == serviceKey("order"))
    #expect(byPod.waypoint == waypoint && byPod.workload?.name == "order-1")
    #expect(try byPod.destination == socket("10.244.2.1:8080"))
  }

  @Test("without a waypoint that runs there is nobody to dial")
  func nobody() throws {
    #expect(try pick(shop()) == nil)
    #expect(try pick(shop { $0.upsert(try pod("w", at: "10.244.3.1", isHealthy: false)) }) == nil)
    #expect(try pick(shop { $0.upsert(try pod("w", at: "10.244.3.1", as: "somebody")) }) == nil)
    #expect(try pick(shop { $0.removeService(waypoint) }) == nil)
  }

  @Test("the tunnel goes to the waypoint, and asks for what was dialed")
  func endpoint() throws {
    let mesh = try shop {
      $0.upsert(try pod("w1", at: "10.244.3.1"))
      $0.upsert(try pod("impostor", at: "10.244.3.2", as: "somebody"))
    }
    let endpoint = try pick(mesh)
    #expect(try endpoint?.address == socket("10.96.0.1:80"))
    #expect(try endpoint?.tunnelAddress == socket("10.244.3.1:15008"))
    #expect(endpoint?.identities.map(\.serviceAccount) == ["order-waypoint"])
    #expect(try pick(mesh, excluding: ["10.244.3.1:15008"]) == nil)
  }

  @Test("replicas take turns, and one that failed is passed over")
  func turns() throws {
    let mesh = try shop { state in
      for number in 1...3 { state.upsert(try pod("w\(number)", at: "10.244.3.\(number)")) }
    }
    // Across the largest number, too.
    let order = try (0..<60).map { try pick(mesh, turn: UInt.max - 29 &+ $0)?.workload.name }
    let counts = Dictionary(order.map { ($0 ?? "", 1) }, uniquingKeysWith: +)
    #expect(counts.count == 3 && counts.values.allSatisfy { (19...21).contains($0) })
    let left = try (0..<6).map { try pick(mesh, excluding: ["10.244.3.2:15008"], turn: $0)?.workload.name }
    #expect(Set(left) == ["w1", "w3"])
  }

  @Test("the waypoint itself goes straight on")
  func itself() throws {
    let own = try pod("w1", at: "10.244.3.1")
    let mesh = try shop { $0.upsert(own) }
    guard case .service = try mesh.route(to: socket("10.96.0.1:80"), from: own),
      case .direct = try mesh.route(to: socket("10.244.2.1:8080"), from: own)
    else {
      Issue.record("the waypoint goes to itself")
      return
    }
  }

  @Test("who may reach a workload is told with its policies, and changes are noticed")
  func binding() throws {
    var state = try delivered { state in
      var order = try workload("order-1", at: ["10.244.2.1"])
      order.waypoint = waypoint
      state.upsert(order)
    }
    var mesh = state.snapshot()
    let order = try #require(mesh.workload(uid: "Kubernetes//Pod/production/order-1"))
    #expect(mesh.authorizations(for: order).waypoints == [])
    #expect(mesh.authorizations(for: web).waypoints == nil)

    var stand = try service("order-waypoint", at: [], ports: [(15008, 15008)])
    stand.subjectAltNames = [web.identity]
    let changes: [(inout MeshState) -> Void] = [
      { $0.upsert(stand) }, { $0.removeService(stand.key) },
      { state in
        var free = order
        free.waypoint = nil
        state.upsert(free)
      },
    ]
    for change in changes {
      let before = mesh.policyRevision
      change(&state)
      mesh = state.snapshot()
      #expect(mesh.policyRevision != before)
    }
  }
}
