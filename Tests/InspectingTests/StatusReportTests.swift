@testable import MeshGraph
import MeshModel
import Testing

@testable import Inspecting

@Suite struct StatusReportTests {
  private func status(current: Int = 2) -> MeshStatus {
    var report = MeshStatus.Report()
    report.isReporting = true
    report.isConnected = true
    report.connections = 3
    report.version = "0.1.0"
    var counts = MeshStatus.Counts()
    counts.workloads = 8
    counts.workloadsReady = 8
    counts.captured = 6
    return MeshStatus(
      time: 1000,
      control: .init(
        version: "0.1.0", started: 1, residentBytes: 1, address: "172.30.255.254:15012",
        trustDomain: "cluster.local", generation: 3, subscribers: 2, subscribersCurrent: current,
        authorityEnds: 9000),
      manifests: .init(isAccepted: true, rejected: [], findings: [], findingsCut: 0),
      agents: [agent("node-1", report), agent("node-2", MeshStatus.Report())],
      waypoints: [
        .init(
          name: "production/pay-sa", service: "",
          reasons: ["AuthorizationPolicy production/pay asks for methods"],
          replicas: 2, isAlwaysOn: false, isRunning: true,
          pods: [.init(pod: "p-1", node: "node-1", isReady: true, report: report)])
      ], counts: counts)
  }

  private func agent(_ node: String, _ report: MeshStatus.Report) -> MeshStatus.AgentState {
    var state = MeshStatus.AgentState(node: node)
    state.report = report
    return state
  }

  private func agents() throws -> Answers<AgentDump> {
    let dump = try AgentDump(decoding: Array(AgentDumpTests.page.utf8))
    var place = try Place(.agent, url: "http://127.0.0.1:15000")
    place.name = "node-1"
    var other = place
    other.name = "node-2"
    return Answers([
      .init(place: place, result: .success(dump)),
      .init(place: other, result: .failure(AskingError("nothing answers"))),
    ])
  }

  private func report(_ control: MeshStatus?) throws -> StatusReport {
    let agents = try agents()
    return StatusReport(
      mesh: "dev", control: control, isControlAsked: true, agents: agents, unreachable: agents.unreachable,
      now: 1500)
  }

  @Test func tellsAllThatIsKnown() throws {
    #expect(
      try report(status()).shown(NamespaceScope()).text(.table, Table.Style()) == """
        mesh:          dev
        control:       serves at 172.30.255.254:15012, version 0.1.0; 2 of 2 subscribers have everything
        manifests:     accepted, 0 errors, 0 warnings
        workloads:     8 of 8 ready, 6 in the mesh; 0 services, 0 policies
        certificates:  1 of 2 valid, the first ends 1970-01-01T00:25:00Z

        NODE    AGENT  SYNC     PODS  CERTIFICATES  CONNECTIONS  PROBLEM
        node-1  up     synced   1/2   1/2                     3  -
        node-2  down   unknown  -     -                       -  nothing answers

        WORKLOAD      NODE    PROBLEM
        legacy/old-1  node-1  no certificate yet

        NAMESPACE   WAYPOINT         MODE       READY  WHY
        production  pay-sa-waypoint  on demand  1/2    AuthorizationPolicy production/pay asks for methods

        """)
  }

  @Test func anAgentMayBeBehindOrCutOff() throws {
    func sync(_ control: MeshStatus?) throws -> JSONTree? {
      try report(control).shown(NamespaceScope()).listings[0].rows[0].values["sync"]
    }
    #expect(try sync(status(current: 1)) == "behind")
    #expect(try sync(nil) == "unknown")
    var cut = status()
    cut.agents[0].report.isConnected = false
    #expect(try sync(cut) == "disconnected")
    cut.agents[0].report.isReporting = false
    #expect(try sync(cut) == "unknown")
  }

  @Test func withoutAControlPlaneTheAgentsAreShown() throws {
    let shown = try report(nil).shown(NamespaceScope())
    let text = shown.text(.table, Table.Style())
    #expect(text.contains("control:       does not tell\nworkloads:     1 of 2 in the mesh ready"))
    #expect(text.contains("node-1  up"))
    guard case .object(let members) = shown.tree else {
      Issue.record("no object")
      return
    }
    #expect(
      Set(members.keys) == [
        "mesh", "control", "manifests", "counts", "certificates", "nodes", "problems", "waypoints",
        "unreachable",
      ])
    #expect(members["control"] == .null)
  }

  @Test func withoutAgentsTheControlPlaneTellsOfThem() throws {
    let report = StatusReport(
      control: status(), isControlAsked: true, agents: Answers([]), unreachable: [], now: 1500)
    let nodes = report.shown(NamespaceScope()).listings[0].rows
    #expect(nodes.map { $0.values["agent"] } == ["up", "silent"])
    #expect(nodes.map { $0.values["pods"] } == [.null, .null])
  }

  @Test func aNamespaceIsChosenThroughout() throws {
    let shown = try report(status()).shown(NamespaceScope("production"))
    #expect(shown.listings[0].rows[0].cell("pods").text == "1/1")
    #expect(shown.listings[1].rows.isEmpty)
    #expect(shown.listings[2].rows.count == 1)
    #expect(try report(status()).shown(NamespaceScope("legacy")).listings[2].rows.isEmpty)
  }
}
