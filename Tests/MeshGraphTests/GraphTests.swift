import Bytes
import MeshModel
import Testing

@testable import MeshGraph

@Suite("The service graph, drawn from reports")
struct GraphTests {
  let facts: MeshFacts
  var log = ReportLog()

  init() throws { facts = try Shop.facts() }

  mutating func tell(_ report: MeshReport, from reporter: Reporter, atSeconds now: Int = 100) -> Bool {
    log.take(report, from: reporter, knowing: facts, at: Instant(nanoseconds: UInt64(now) * 1_000_000_000))
  }

  func graph() -> ServiceGraph {
    ServiceGraph(log, knowing: facts, trustDomain: "cluster.local", time: 1_000)
  }

  func edge(_ id: String) throws -> ServiceGraph.Edge {
    try #require(graph().edges.first { $0.id == id }, "no edge \(id)")
  }

  @Test("rates are of what was added in the window, by the reporter's own clock")
  mutating func rates() throws {
    let key = try Shop.key(.inbound, "web", "order")
    let node = Reporter.agent(node: "node-1")
    // What was counted in a long life tells nothing of the present.
    #expect(tell(Shop.report(60_000, [(key, { $0.opened = 500 })]), from: node, atSeconds: 100))
    #expect(try edge("shop/web>shop/order").rate == 0)
    #expect(try edge("shop/web>shop/order").totals.opened == 500)
    let later: (inout EdgeCounts) -> Void = {
      $0.opened = 540
      $0.errors = 10
      $0.denied = 8
      $0.sent = 4_000
      $0.latency = [0, 30, 10]
    }
    // Two seconds pass for the control plane, four for the reporter: its clock counts.
    #expect(tell(Shop.report(64_000, [(key, later)]), from: node, atSeconds: 102))
    let one = try edge("shop/web>shop/order")
    #expect(one.rate == 10 && one.unit == "connections" && one.observer == "destination")
    #expect(one.errorShare == 0.25 && one.deniedPerSecond == 2 && one.sentPerSecond == 1_000)
    #expect(one.p50 == LatencyScale.quantile(0.5, of: [0, 30, 10]))
  }

  @Test("the window forgets what is older than ten seconds, and an edge that began anew is counted anew")
  mutating func window() throws {
    let key = try Shop.key(.inbound, "web", "order")
    let node = Reporter.agent(node: "node-1")
    for step in 0...10 {
      let count = UInt64(step <= 1 ? step * 100 : 100)
      let uptime = 60_000 + Int64(step) * 2_000
      #expect(
        tell(Shop.report(uptime, [(key, { $0.opened = count })]), from: node, atSeconds: 100 + step * 2))
    }
    #expect(try edge("shop/web>shop/order").rate == 0)
    #expect(tell(Shop.report(82_000, [(key, { $0.opened = 20 })]), from: node, atSeconds: 122))
    #expect(try edge("shop/web>shop/order").rate == 2)
  }

  @Test("a reporter that was started again is counted from its new beginning")
  mutating func restart() throws {
    let key = try Shop.key(.inbound, "web", "order")
    let node = Reporter.agent(node: "node-1")
    #expect(tell(Shop.report(60_000, [(key, { $0.opened = 500 })]), from: node))
    #expect(tell(Shop.report(2_000, started: 1_060, [(key, { $0.opened = 8 })]), from: node))
    #expect(try edge("shop/web>shop/order").rate == 4)
  }

  @Test(
    "one request, seen by three, is one: the waypoint knows most; what failed at the source alone is told")
  mutating func witnesses() throws {
    let outbound = try Shop.key(.outbound, "order", "pay-waypoint", service: Shop.payService.description)
    let requests = try Shop.key(
      .waypoint, "order", "pay", carries: .http, service: Shop.payService.description)
    let inbound = try Shop.key(.inbound, "order", "pay")
    #expect(
      tell(
        Shop.report(2_000, [(outbound, { ($0.opened, $0.failed) = (2, 6) })]), from: .agent(node: "node-1")))
    #expect(tell(Shop.report(2_000, [(inbound, { $0.opened = 4 })]), from: .agent(node: "node-2")))
    #expect(
      tell(
        Shop.report(2_000, pod: "pay-waypoint-5", [(requests, { ($0.requests, $0.errors) = (20, 5) })]),
        from: .waypoint(Shop.payWaypoint, pod: "pay-waypoint-5")))
    let all = graph().edges
    #expect(all.map(\.id) == ["shop/order>shop/pay"])
    let one = try edge("shop/order>shop/pay")
    #expect(one.rate == 10 && one.unit == "requests" && one.observer == "waypoint" && one.errorShare == 0.25)
    #expect(one.failedPerSecond == 3 && one.protocol == "http" && one.security == "mutual-tls")
    #expect(one.services == [Shop.payService.hostname])
    // The waypoint is what stands before, and no node of its own.
    #expect(!graph().nodes.contains { $0.id == "shop/pay-waypoint" })
    #expect(graph().nodes.first { $0.id == "shop/pay" }?.waypoint == "shop/pay")
  }

  @Test("agents of two nodes and replicas add up")
  mutating func several() throws {
    let key = try Shop.key(.inbound, "web", "order")
    for node in ["node-1", "node-2"] {
      #expect(tell(Shop.report(2_000, [(key, { $0.opened = 10 })]), from: .agent(node: node)))
    }
    #expect(try edge("shop/web>shop/order").rate == 10)
  }

  @Test("an agent is believed for its own node, a waypoint for those before whom it stands, and nobody else")
  mutating func belief() throws {
    let strange = try Shop.key(.inbound, "web", "pay")
    let foreign = try Shop.key(.waypoint, "web", "order", carries: .http)
    let own = try Shop.key(.outbound, "web", "order")
    #expect(
      tell(
        Shop.report(2_000, [(strange, { $0.opened = 9 }), (own, { $0.opened = 1 })]),
        from: .agent(node: "node-1")))
    #expect(
      tell(
        Shop.report(
          2_000, pod: "pay-waypoint-5", [(foreign, { $0.requests = 9 }), (own, { $0.opened = 9 })]),
        from: .waypoint(Shop.payWaypoint, pod: "pay-waypoint-5")))
    #expect(graph().edges.map(\.id) == ["shop/web>shop/order"])
    #expect(try edge("shop/web>shop/order").totals.opened == 1)
    #expect(log.entries[.agent(node: "node-1")]?.refused == 1)
    // A token of the account for a pod that is another's.
    #expect(
      !tell(Shop.report(2_000, pod: "order-2", []), from: .waypoint(Shop.payWaypoint, pod: "order-2")))
    var report = Shop.report(4_000, [])
    report.pods = [
      ObservedPod(name: "shop/web-1", problem: "no certificate"), ObservedPod(name: "shop/pay-4"),
    ]
    report.certificates = [
      ObservedCertificate(identity: try Shop.identity("web").description, state: "Available"),
      ObservedCertificate(identity: try Shop.identity("pay").description, state: "Available"),
    ]
    #expect(tell(report, from: .agent(node: "node-1")))
    #expect(log.entries[.agent(node: "node-1")]?.report.pods.map(\.name) == ["shop/web-1"])
    #expect(log.entries[.agent(node: "node-1")]?.report.certificates.count == 1)
    #expect(graph().nodes.first { $0.id == "shop/web" }?.problems == ["web-1: no certificate"])
  }

  @Test("who is silent for half a minute is forgotten, and so is what it told")
  mutating func silence() throws {
    let key = try Shop.key(.inbound, "web", "order")
    #expect(
      tell(Shop.report(2_000, [(key, { $0.opened = 1 })]), from: .agent(node: "node-1"), atSeconds: 100))
    #expect(tell(Shop.report(2_000, []), from: .agent(node: "node-2"), atSeconds: 129))
    #expect(log.count == 2)
    log.expire(at: Instant(nanoseconds: 130_000_000_000))
    #expect(log.count == 1 && graph().edges.isEmpty)
  }

  @Test("edges of one reporter are bounded")
  mutating func bounds() throws {
    let edges = try (0..<MeshReport.edgeLimit + 5).map { number in
      var key = try Shop.key(.inbound, "web", "order")
      key.source = ObservedParty(namespace: "shop", workload: "w\(number)")
      return (key, { (counts: inout EdgeCounts) in counts.opened = 1 })
    }
    #expect(tell(Shop.report(2_000, edges), from: .agent(node: "node-1")))
    #expect(log.entries[.agent(node: "node-1")]?.counts.count == MeshReport.edgeLimit)
  }

  @Test("plaintext, strangers and other meshes are drawn as what they are")
  mutating func strangers() throws {
    var plain = try Shop.key(.inbound, "web", "order", isMutualTLS: false)
    plain.source = ObservedParty()
    var foreign = try Shop.key(.inbound, "web", "order")
    foreign.source = ObservedParty(identity: "spiffe://other.mesh/ns/a/sa/b")
    var outside = try Shop.key(.outbound, "order", "order", isMutualTLS: false)
    outside.destination = ObservedParty()
    let once: (inout EdgeCounts) -> Void = { $0.opened = 1 }
    #expect(
      tell(
        Shop.report(2_000, [(plain, once), (foreign, once), (outside, once)]), from: .agent(node: "node-1")))
    #expect(try edge("outside>shop/order").security == "plaintext")
    #expect(try edge("shop/order>outside").security == "plaintext")
    #expect(try edge("outside/spiffe://other.mesh/ns/a/sa/b>shop/order").security == "mutual-tls")
    #expect(graph().nodes.filter { $0.kind == "Outside" }.count == 2)
    #expect(graph().nodes.allSatisfy { node in node.kind == "Outside" || facts.owners[node.id] != nil })
  }

  @Test(
    "a denial is told once, with its reason and its policy; what came back to the source is not told again")
  mutating func denials() throws {
    func denial(_ direction: ConnectionRecord.Direction, _ reason: String) throws -> ObservedDenial {
      ObservedDenial(
        time: 990, direction: direction, source: try Shop.party("web"), destination: try Shop.party("order"),
        reason: reason)
    }
    var source = Shop.report(2_000, [(try Shop.key(.outbound, "web", "order"), { $0.denied = 4 })])
    source.denials = [try denial(.outbound, "policy:shop/callers"), try denial(.outbound, "mtls-required")]
    var destination = Shop.report(2_000, [(try Shop.key(.inbound, "web", "order"), { $0.denied = 3 })])
    destination.denials = [try denial(.inbound, "policy:shop/callers")]
    #expect(tell(source, from: .agent(node: "node-1")))
    #expect(tell(destination, from: .agent(node: "node-2")))
    let told = ServiceGraph.denials(log, knowing: facts)
    #expect(told.map(\.reason).sorted() == ["mtls-required", "policy:shop/callers"])
    #expect(told.first { $0.reason == "policy:shop/callers" }?.policy == "shop/callers")
    #expect(told.first { $0.reason == "policy:shop/callers" }?.observer == "destination")
    let one = try edge("shop/web>shop/order")
    #expect(one.deniedPerSecond == 2 && one.rate == 0 && one.lastDenial != nil)
  }

  @Test("no number that a reporter may choose makes the control plane overflow")
  mutating func hostile() throws {
    let key = try Shop.key(.inbound, "web", "order")
    let worst: (inout EdgeCounts) -> Void = {
      ($0.opened, $0.requests, $0.errors, $0.denied) = (.max, .max, .max, .max)
      ($0.failed, $0.sent, $0.received, $0.latency) = (.max, .max, .max, Array(repeating: .max, count: 40))
    }
    for (node, uptime) in [("node-1", Int64(0)), ("node-2", 1)] {
      for step in 0..<3 as Range<Int64> {
        var report = Shop.report(uptime + step, [(key, step == 0 ? { _ in } : worst)])
        report.edges[0].open = .max
        report.edges[0].lastSeen = .min
        report.forgotten = .max
        #expect(report.isPlausible)
        #expect(tell(report, from: .agent(node: node)))
      }
    }
    let one = try edge("shop/web>shop/order")
    #expect(one.rate.isFinite && one.errorShare <= 1)
    var report = Shop.report(.max, [])
    #expect(!report.isPlausible)
    report.uptime = .min
    #expect(!report.isPlausible)
    report = Shop.report(1, [(key, { $0.latency = Array(repeating: 1, count: 100) })])
    #expect(!report.isPlausible)
  }

  @Test("a request that was denied before an endpoint was picked leads to who stands behind the service")
  mutating func deniedEarly() throws {
    var key = try Shop.key(.waypoint, "web", "pay", carries: .http, service: Shop.payService.description)
    key.destination = ObservedParty()
    #expect(
      tell(
        Shop.report(2_000, pod: "pay-waypoint-5", [(key, { $0.denied = 4 })]),
        from: .waypoint(Shop.payWaypoint, pod: "pay-waypoint-5")))
    #expect(try edge("shop/web>shop/pay").deniedPerSecond == 2)
  }
}
