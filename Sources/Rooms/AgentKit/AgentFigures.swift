import BPFRuntime
import Issuance
import MeshModel
import Proxying
import Subscription
import Telemetry

/// What an agent's page of metrics says besides what records tell, at one moment.
struct AgentFigures: Sendable {
  var pods: [PodReadiness]
  var snapshot: Agent.Holdings
  var reports: [WorkerReport]
  var occupancy: [MapOccupancy]
  var passedFromHost: UInt64
  var captureViolations: UInt64
  var discovery: DiscoveryFigures
  var issuance: IssuanceFigures

  /// Asks everybody. The workers answer between two events, with numbers that they have at hand.
  static func gather(
    _ agent: Agent, _ keeper: IdentityKeeper, _ subscription: Subscription
  ) async -> AgentFigures {
    AgentFigures(
      pods: PodReadiness.all(await agent.readings(), await keeper.statuses()),
      snapshot: await agent.holdings(), reports: await agent.reports(), occupancy: await agent.occupancy(),
      passedFromHost: await agent.passedFromHost(), captureViolations: agent.captureViolations,
      discovery: subscription.figures,
      issuance: await keeper.figures())
  }

  func write(into text: inout MetricsText) {
    text.begin("apus_pods", .gauge, help: "Pods that this agent serves.")
    text.sample(UInt64(pods.count))
    text.begin("apus_pods_not_ready", .gauge, help: "Those of them whose connections are refused or wait.")
    text.sample(UInt64(pods.count { $0.problem != nil }))
    text.begin("apus_mesh_resources", .gauge, help: "What this agent knows of the mesh, by kind.")
    text.sample(UInt64(snapshot.workloads), [("kind", "workload")])
    text.sample(UInt64(snapshot.services), [("kind", "service")])
    text.sample(UInt64(snapshot.policies), [("kind", "policy")])
    writeWorkers(into: &text)
    writeTunnels(into: &text)
    ControlPlaneFigures.write(discovery, into: &text)
    ControlPlaneFigures.write(issuance, into: &text)
    text.begin("apus_capture_map_entries", .gauge, help: "Entries of a kernel map.")
    for map in occupancy { text.sample(UInt64(map.entries), [("map", map.map)]) }
    text.begin("apus_capture_map_limit", .gauge, help: "The most entries that a kernel map takes.")
    for map in occupancy { text.sample(UInt64(map.limit), [("map", map.map)]) }
    text.begin(
      "apus_host_connections_total", .counter,
      help: "Connections of this host's own sockets, such as probes, that went to pods past the mesh.")
    text.sample(passedFromHost)
    text.begin(
      "apus_capture_checks_total", .counter,
      help: "Looks at a pod's capture from inside its namespace that found that it holds.")
    text.sample(reports.reduce(0) { $0 + $1.captureChecks })
    text.begin(
      "apus_capture_violations_total", .counter,
      help: "How often a pod's capture was found not to hold: its connections pass the agent by.")
    text.sample(captureViolations)
  }

  private func writeWorkers(into text: inout MetricsText) {
    func family(
      _ name: String, _ help: String, _ kind: MetricsText.Kind = .gauge, _ value: (WorkerReport) -> UInt64
    ) {
      text.begin(name, kind, help: help)
      for (index, report) in reports.enumerated() {
        text.sample(value(report), [("worker", "\(index)")])
      }
    }
    family("apus_worker_connections", "Live connections, by worker.") { UInt64($0.connections) }
    family("apus_worker_waiting", "Connections that wait for the mesh, credentials or a tunnel, by worker.") {
      UInt64($0.waiting)
    }
    family("apus_worker_handshakes", "Peers that have not yet proved their identity, by worker.") {
      UInt64($0.handshakes)
    }
    family("apus_worker_backlog_bytes", "Bytes that wait for applications, by worker.") {
      UInt64($0.backlogBytes)
    }
    family("apus_worker_ticks_total", "How often a worker has woken.", .counter, \.ticks)
    family(
      "apus_worker_judgements_total",
      "How often a live connection was judged again because policy had changed, by worker.", .counter,
      \.judgements)
    text.begin(
      "apus_worker_turned_away_total", .counter, help: "Connections that met a limit, by worker and limit.")
    for (index, report) in reports.enumerated() {
      for limit in TurnedAway.Limit.allCases {
        text.sample(report.turnedAway[limit], [("worker", "\(index)"), ("limit", limit.rawValue)])
      }
    }
  }

  private func writeTunnels(into text: inout MetricsText) {
    text.begin("apus_worker_tunnels", .gauge, help: "Open tunnels, by worker and by who opened them.")
    for (index, report) in reports.enumerated() {
      text.sample(UInt64(report.clientTunnels), [("worker", "\(index)"), ("opened", "here")])
      text.sample(UInt64(report.servedTunnels), [("worker", "\(index)"), ("opened", "by_peer")])
    }
    text.begin("apus_worker_streams", .gauge, help: "Connections inside tunnels, by worker.")
    for (index, report) in reports.enumerated() {
      text.sample(UInt64(report.streams), [("worker", "\(index)")])
    }
    let counts = reports.map(\.tunnelCounts)
    func sum(_ value: (TunnelCounts) -> UInt64) -> UInt64 { counts.reduce(0) { $0 + value($1) } }
    text.begin("apus_tunnels_opened_total", .counter, help: "Tunnels opened, by who opened them.")
    text.sample(sum(\.dialed), [("opened", "here")])
    text.sample(sum(\.served), [("opened", "by_peer")])
    text.begin("apus_tunnels_failed_total", .counter, help: "Tunnels that never opened, by who wanted them.")
    text.sample(sum(\.dialsFailed), [("opened", "here")])
    text.sample(sum(\.strangers), [("opened", "by_peer")])
    text.begin(
      "apus_tunnel_requests_total", .counter,
      help: "Connections asked for in tunnels opened here; by their number, how well tunnels are shared.")
    text.sample(sum(\.streams))
    text.begin(
      "apus_waypoint_losses_total", .counter,
      help: "Connections that outlived a waypoint that died: idle ones, and requests sent a second time.")
    text.sample(sum(\.carriedOver), [("carried", "idle")])
    text.sample(sum(\.repeated), [("carried", "request")])
  }
}
