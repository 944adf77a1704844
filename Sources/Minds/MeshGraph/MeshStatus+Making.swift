public import Bytes
import MeshModel

extension MeshStatus {
  /// `time` in seconds since 1970 is the same moment as `now`.
  public init(
    _ log: ReportLog, knowing facts: MeshFacts, control: ControlState, manifests: ManifestState,
    time: Int64, now: Instant
  ) {
    let reports = Reports(log: log, time: time, now: now)
    self.init(
      time: time, control: control, manifests: manifests, agents: Self.agents(facts, reports),
      waypoints: facts.waypoints.map { Self.waypoint($0, facts, reports) }.sorted { $0.name < $1.name },
      counts: Self.counts(facts, log))
  }

  private static func agents(_ facts: MeshFacts, _ reports: Reports) -> [AgentState] {
    var agents: [String: AgentState] = [:]
    for workload in facts.workloads.values where !workload.node.isEmpty && workload.tunnelProtocol == .hbone {
      // A waypoint serves itself.
      guard facts.waypoint(of: workload) == nil else { continue }
      agents[workload.node, default: AgentState(node: workload.node)].pods += 1
    }
    for (reporter, entry) in reports.log.entries {
      guard case .agent(let node) = reporter else { continue }
      agents[node, default: AgentState(node: node)].report = reports.report(of: reporter)
      agents[node]?.podsReady = entry.report.pods.count { $0.problem == nil }
    }
    return agents.values.sorted { $0.node < $1.node }
  }

  private static func waypoint(
    _ configuration: WaypointConfiguration, _ facts: MeshFacts, _ reports: Reports
  ) -> WaypointState {
    let name = configuration.waypoint
    let pods = facts.replicas(of: name).map { pod in
      Replica(
        pod: pod.name, node: pod.node, isReady: pod.isHealthy,
        report: reports.report(of: .waypoint(name, pod: pod.name)))
    }
    return WaypointState(
      name: name.description, service: facts.service(of: name)?.description ?? "",
      reasons: configuration.reasons, replicas: configuration.replicas,
      isAlwaysOn: configuration.isAlwaysOn, isRunning: pods.contains(where: \.isReady), pods: pods)
  }

  private static func counts(_ facts: MeshFacts, _ log: ReportLog) -> Counts {
    var counts = Counts()
    counts.workloads = facts.workloads.count
    counts.workloadsReady = facts.workloads.values.count(where: \.isHealthy)
    counts.captured = facts.workloads.values.count { $0.tunnelProtocol == .hbone }
    counts.services = facts.services.count
    counts.policies = facts.policies.count
    counts.certificates = log.entries.values.reduce(0) { $0 + $1.report.certificates.count }
    counts.edges = log.entries.values.reduce(0) { $0 + $1.counts.count }
    return counts
  }
}

/// What reporters say of themselves, as documents tell it.
struct Reports {
  let log: ReportLog
  let time: Int64
  let now: Instant

  func report(of reporter: Reporter) -> MeshStatus.Report {
    var report = MeshStatus.Report()
    guard let entry = log.entries[reporter] else { return report }
    let seen = entry.report
    report.isReporting = true
    report.lastReport = time - Int64((now - entry.received).nanoseconds / 1_000_000_000)
    report.version = seen.version
    report.started = seen.started
    report.residentBytes = seen.residentBytes
    report.connections = seen.connections
    report.tunnels = seen.tunnels
    report.isConnected = seen.isConnected
    report.lastUpdate = seen.lastUpdate
    report.problem = seen.problem
    report.edges = entry.counts.count
    report.refused = entry.refused
    report.dropped = seen.dropped
    return report
  }
}
