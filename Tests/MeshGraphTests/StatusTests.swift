import Bytes
import MeshModel
import Testing

@testable import MeshGraph

@Suite("The status and the lists of the mesh")
struct StatusTests {
  let facts: MeshFacts
  var log = ReportLog()

  init() throws {
    facts = try Shop.facts()
    var report = Shop.report(2_000, [])
    report.certificates = [
      ObservedCertificate(
        identity: try Shop.identity("web").description, state: "Available", serial: "a1", notAfter: 9_000)
    ]
    report.pods = [ObservedPod(name: "shop/web-1")]
    _ = log.take(
      report, from: .agent(node: "node-1"), knowing: facts, at: Instant(nanoseconds: 100_000_000_000))
  }

  func status(atSeconds now: UInt64) -> MeshStatus {
    MeshStatus(
      log, knowing: facts,
      control: MeshStatus.ControlState(
        version: "t", started: 0, residentBytes: 0, address: "", trustDomain: "cluster.local", generation: 1,
        subscribers: 0, subscribersCurrent: 0, authorityEnds: 0),
      manifests: MeshStatus.ManifestState(isAccepted: true, rejected: [], findings: [], findingsCut: 0),
      time: 1_000, now: Instant(nanoseconds: now * 1_000_000_000))
  }

  @Test("an agent that is silent is told beside one that reports; a waypoint says why it is there")
  func agents() throws {
    let status = status(atSeconds: 103)
    #expect(status.agents.map(\.node) == ["node-1", "node-2"])
    #expect(status.agents.map(\.report.isReporting) == [true, false])
    #expect(status.agents[0].report.lastReport == 997)
    // The waypoint's own pod is not one that an agent serves.
    #expect(status.agents.map(\.pods) == [2, 2])
    let waypoint = try #require(status.waypoints.first)
    #expect(waypoint.name == "shop/pay" && waypoint.reasons == ["a policy asks for methods"])
    #expect(waypoint.pods.map(\.pod) == ["pay-waypoint-5"] && waypoint.isRunning)
    #expect(!waypoint.pods[0].report.isReporting)
    #expect(status.counts.workloads == 5 && status.counts.certificates == 1)
  }

  @Test("workloads have their certificate, policies those whom they bind and who enforces them")
  func lists() throws {
    let workloads = MeshList<ListedWorkload>(log, knowing: facts, time: 1_000)
    let web = try #require(workloads.items.first { $0.name == "web-1" })
    #expect(web.owner == "shop/web" && web.certificate?.serial == "a1")
    #expect(workloads.items.first { $0.name == "order-2" }?.certificate == nil)
    let policies = MeshList<ListedPolicy>(
      knowing: facts, places: ["shop/payments": ["a.yaml:3"]], time: 1_000)
    let payments = try #require(policies.items.first { $0.key == "shop/payments" })
    #expect(payments.workloads == ["shop/pay"] && payments.enforcedBy == ["waypoint shop/pay"])
    #expect(payments.places == ["a.yaml:3"])
    #expect(policies.items.first { $0.key == "istio-system/everywhere" }?.workloads.count == 4)
    #expect(policies.items.first { $0.key == "other/elsewhere" }?.workloads == [])
    let services = MeshList<ListedService>(knowing: facts, time: 1_000)
    #expect(services.items.map(\.endpoints) == [1] && services.items[0].workloads == ["shop/pay"])
    #expect(MeshList<ListedCertificate>(log, time: 1_000).items.map(\.reporter) == ["node-1"])
  }
}
