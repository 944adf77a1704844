import Bytes
import Issuance
import MeshModel
import Proxying
import Reactor
import Reporting
import Subscription
import Telemetry

/// What an agent tells the control plane of what it has seen.
struct AgentWitness: Sendable {
  let agent: Agent
  let keeper: IdentityKeeper
  let subscription: Subscription
  let edges: EdgeTable
  let version: String
  private let started = (wall: Clock.wall() / 1_000_000_000, clock: Clock.now())

  init(
    _ agent: Agent, _ keeper: IdentityKeeper, _ subscription: Subscription, _ edges: EdgeTable,
    version: String
  ) {
    self.agent = agent
    self.keeper = keeper
    self.subscription = subscription
    self.edges = edges
    self.version = version
  }

  func document() async -> [UInt8] {
    var seen = MeshReport(
      version: version, started: started.wall,
      uptime: Int64((Clock.now() - started.clock).milliseconds), residentBytes: ProcessFigures.residentBytes)
    let statuses = await keeper.statuses()
    seen.pods = PodReadiness.all(await agent.readings(), statuses).prefix(MeshReport.podLimit).map {
      ObservedPod(name: $0.reading.workload, problem: $0.problem ?? $0.warning)
    }
    seen.certificates = statuses.prefix(MeshReport.podLimit).map(ObservedCertificate.init)
    let reports = await agent.reports()
    seen.connections = reports.reduce(0) { $0 + $1.connections }
    seen.tunnels = reports.reduce(0) { $0 + $1.clientTunnels + $1.servedTunnels }
    seen.tell(subscription.figures)
    let discovery = await subscription.lastProblem
    seen.problem = await agent.problems.first ?? (seen.isConnected ? nil : discovery)
    let live = await agent.connections().filter(\.isRelaying).map(\.record)
    edges.fill(&seen, live: live, at: Clock.wall() / 1_000_000_000)
    return MeshReportText.bytes(of: seen)
  }
}
