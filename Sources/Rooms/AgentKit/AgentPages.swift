import BPFRuntime
import Issuance
import Logging
import MeshCodec
import MeshModel
import Proxying
import Reactor
import Telemetry
import Transport

/// What an agent tells about itself over HTTP: readiness, metrics, and its state for administrators.
struct AgentPages: Sendable {
  let agent: Agent
  let keeper: IdentityKeeper
  let registry: MetricRegistry
  let history: FlowHistory

  /// Opens the three listeners and serves them until the process ends.
  ///
  /// - Throws: `AgentError` naming the address that cannot be had.
  func serve(_ configuration: AgentConfiguration, on thread: ReactorThread, log: Logger) throws -> [Task<
    Void, Never
  >] {
    try [
      (configuration.readiness, ["/healthz/ready": readiness]),
      (configuration.metrics, ["/metrics": metrics, "/stats/prometheus": metrics]),
      (
        configuration.admin,
        ["/config_dump": dump, "/debug/flows": flows, "/debug/mesh": mesh, "/debug/tunnels": tunnels]
      ),
    ].map { (address: SocketAddress, pages: [String: PageServer.Maker]) in
      do {
        let server = try PageServer(on: address, pages: pages, thread: thread, log: log)
        return Task(executorPreference: thread) { await server.run() }
      } catch {
        throw AgentError(.failed, "it cannot serve pages on \(address): \(error)")
      }
    }
  }

  /// Of the node: 200 once the mesh and the list of pods are known, 500 with what is missing before; then a
  /// line for each pod that is not served, which does not change the status. With `?workload=NAMESPACE/NAME`
  /// of that pod alone: 200, 500 with why not, 404 for one that is not of this agent.
  private var readiness: PageServer.Maker {
    { query in
      let pods = await pods()
      if let workload = Self.workload(in: query) {
        return Self.readiness(of: workload, pods)
      }
      let status = await agent.status()
      let lines = (status.isReady ? ["ready"] : status.problems) + pods.compactMap(\.line)
      return Page(status: status.isReady ? 200 : 500, text: lines.joined(separator: "\n") + "\n")
    }
  }

  private func pods() async -> [PodReadiness] {
    PodReadiness.all(await agent.readings(), await keeper.statuses())
  }

  static func workload(in query: String?) -> String? {
    let parts = (query ?? "").split(separator: "&").map { $0.split(separator: "=", maxSplits: 1) }
    guard let part = parts.first(where: { $0.first == "workload" && $0.count == 2 }) else { return nil }
    // The one character of a name that a careful client escapes.
    return String(part[1]).replacing("%2F", with: "/").replacing("%2f", with: "/")
  }

  private static func readiness(of workload: String, _ pods: [PodReadiness]) -> Page {
    guard let pod = pods.first(where: { $0.reading.workload == workload }) else {
      return Page(status: 404, text: "no pod of that name is served here; say ?workload=NAMESPACE/NAME\n")
    }
    let text = pod.line ?? "\(workload): ready"
    return Page(status: pod.problem == nil ? 200 : 500, text: text + "\n")
  }

  private var metrics: PageServer.Maker {
    { _ in
      let status = await agent.status()
      var text = MetricsText()
      text.begin("apus_pods", .gauge, help: "Pods that this agent serves.")
      text.sample(UInt64(status.pods))
      text.begin("apus_worker_connections", .gauge, help: "Live connections, by worker.")
      for (index, report) in status.reports.enumerated() {
        text.sample(UInt64(report.connections), [("worker", "\(index)")])
      }
      text.begin("apus_worker_tunnels", .gauge, help: "Open tunnels, by worker and by who opened them.")
      for (index, report) in status.reports.enumerated() {
        text.sample(UInt64(report.clientTunnels), [("worker", "\(index)"), ("opened", "here")])
        text.sample(UInt64(report.servedTunnels), [("worker", "\(index)"), ("opened", "by_peer")])
      }
      text.begin(
        "apus_worker_handshakes", .gauge, help: "Peers that have not yet proved their identity, by worker.")
      for (index, report) in status.reports.enumerated() {
        text.sample(UInt64(report.handshakes), [("worker", "\(index)")])
      }
      text.begin(
        "apus_worker_turned_away_total", .counter, help: "Connections that met a limit, by worker and limit.")
      for (index, report) in status.reports.enumerated() {
        for limit in TurnedAway.Limit.allCases {
          text.sample(report.turnedAway[limit], [("worker", "\(index)"), ("limit", limit.rawValue)])
        }
      }
      text.begin("apus_worker_backlog_bytes", .gauge, help: "Bytes that wait for applications, by worker.")
      for (index, report) in status.reports.enumerated() {
        text.sample(UInt64(report.backlogBytes), [("worker", "\(index)")])
      }
      text.begin("apus_capture_map_entries", .gauge, help: "Entries of a kernel map.")
      for map in status.occupancy { text.sample(UInt64(map.entries), [("map", map.map)]) }
      text.begin("apus_capture_map_limit", .gauge, help: "The most entries that a kernel map takes.")
      for map in status.occupancy { text.sample(UInt64(map.limit), [("map", map.map)]) }
      return Page(text: registry.page() + text.text, contentType: MetricsText.contentType)
    }
  }

  /// Who called the pods of this node: what `apus check --against` reads.
  private var flows: PageServer.Maker {
    { _ in
      let text = history.page(node: agent.configuration.node, live: await agent.liveFlows())
      return Page(text: text, contentType: "application/json")
    }
  }

  /// Tunnels with the serial numbers of both ends' certificates: which of them a rotation has replaced.
  private var tunnels: PageServer.Maker {
    { _ in
      let text = await agent.tunnels().map(StateDump.tunnel).joined(separator: ",")
      return Page(text: "{\"tunnels\":[\(text)]}\n", contentType: "application/json")
    }
  }

  /// The mesh as this agent holds it: what `apus explain --agent` asks about.
  private var mesh: PageServer.Maker {
    { _ in
      guard let known = await agent.knownMesh() else {
        return Page(status: 503, text: "no mesh yet from the control plane\n")
      }
      // A large mesh takes a while: on a thread of its own, not on the agent's.
      let answer = await Task.detached { () -> Result<[UInt8], MeshDumpError> in
        do throws(MeshDumpError) { return .success(try known.encoded()) } catch { return .failure(error) }
      }.value
      switch answer {
      case .success(let bytes): return Page(contentType: MeshDump.contentType, body: bytes)
      case .failure(let error): return Page(status: 507, text: "\(error)\n")
      }
    }
  }

  /// Pods served here, how they stand, and their certificates; grows to the ecosystem's full shape.
  private var dump: PageServer.Maker {
    { _ in
      let statuses = await keeper.statuses()
      let pods = PodReadiness.all(await agent.readings(), statuses)
      let names = pods.map { JSONText.quoted($0.reading.workload) }
      let text = """
        {"pods":[\(names.joined(separator: ","))],\
        "workloadState":{\(pods.map(StateDump.pod).joined(separator: ","))},\
        "certificates":[\(statuses.map(StateDump.certificate).joined(separator: ","))]}

        """
      return Page(text: text, contentType: "application/json")
    }
  }
}
