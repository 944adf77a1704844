import Bytes
import Issuance
import MeshModel
import Reactor
import Reporting
import Subscription
import Telemetry

/// What a waypoint tells the control plane of what it has seen.
struct WaypointWitness: Sendable {
  let waypoint: Waypoint
  let keeper: IdentityKeeper
  let subscription: Subscription
  let records: WaypointRecords
  let pod: String
  let version: String
  private let started = (wall: Clock.wall() / 1_000_000_000, clock: Clock.now())

  init(
    _ waypoint: Waypoint, _ keeper: IdentityKeeper, _ subscription: Subscription, _ records: WaypointRecords,
    pod: String, version: String
  ) {
    self.waypoint = waypoint
    self.keeper = keeper
    self.subscription = subscription
    self.records = records
    self.pod = pod
    self.version = version
  }

  func document() async -> [UInt8] {
    var seen = MeshReport(
      version: version, pod: pod, started: started.wall,
      uptime: Int64((Clock.now() - started.clock).milliseconds), residentBytes: ProcessFigures.residentBytes)
    seen.certificates = await keeper.statuses().prefix(MeshReport.podLimit).map(ObservedCertificate.init)
    seen.connections = await waypoint.load()
    seen.tunnels = await waypoint.tunnelCount()
    seen.tell(subscription.figures)
    let discovery = await subscription.lastProblem
    seen.problem = await waypoint.problems.first ?? (seen.isConnected ? nil : discovery)
    records.take()
    records.edges.fill(&seen, live: [], at: Clock.wall() / 1_000_000_000)
    return MeshReportText.bytes(of: seen)
  }
}
