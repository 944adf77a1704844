import BPFRuntime
import Issuance
import Logging
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
      (configuration.admin, ["/config_dump": dump, "/debug/flows": flows]),
    ].map { (address: SocketAddress, pages: [String: PageServer.Maker]) in
      do {
        let server = try PageServer(on: address, pages: pages, thread: thread, log: log)
        return Task(executorPreference: thread) { await server.run() }
      } catch {
        throw AgentError(.failed, "it cannot serve pages on \(address): \(error)")
      }
    }
  }

  /// 200 once the mesh and the list of pods are known; 500 with what is missing before.
  private var readiness: PageServer.Maker {
    { _ in
      let status = await agent.status()
      guard !status.isReady else { return Page(text: "ready\n") }
      return Page(status: 500, text: status.problems.joined(separator: "\n") + "\n")
    }
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

  /// Workloads served here and their certificates; grows to the ecosystem's full shape.
  private var dump: PageServer.Maker {
    { _ in
      var json = "{\"pods\":["
      json += await agent.listing().map { JSONText.quoted($0) }.joined(separator: ",")
      json += "],\"certificates\":["
      json += await keeper.statuses().map { status in
        """
        {"identity":\(JSONText.quoted("\(status.identity)")),"state":\(JSONText.quoted("\(status.state)")),\
        "serialNumber":\(JSONText.quoted(status.serial ?? "")),"validFrom":\(status.notBefore ?? 0),\
        "expirationTime":\(status.notAfter ?? 0)}
        """
      }.joined(separator: ",")
      return Page(text: json + "]}\n", contentType: "application/json")
    }
  }
}
