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
  let figures: Gathered<AgentFigures>
  let logging: LogPage
  let profile: ProfilePage
  let version: String

  /// Opens the three listeners and serves them until the process ends.
  ///
  /// - Throws: `AgentError` naming the address that cannot be had.
  func serve(_ configuration: AgentConfiguration, on thread: ReactorThread, log: Logger) throws -> [Task<
    Void, Never
  >] {
    try [
      (configuration.readiness, ["/healthz/ready": readiness], [:]),
      (configuration.metrics, ["/metrics": metrics, "/stats/prometheus": metrics], [:]),
      (
        configuration.admin,
        [
          "/config_dump": dump, "/debug/capture": capture, "/debug/flows": flows, "/debug/mesh": mesh,
          "/debug/profile": profile.page, "/debug/tunnels": tunnels,
          "/logging": logging.page,
        ], ["/logging": logging.action]
      ),
    ].map {
      (address: SocketAddress, pages: [String: PageServer.Maker], actions: [String: PageServer.Maker]) in
      do {
        let server = try PageServer(
          on: address, pages: pages, actions: actions, thread: thread, log: log)
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
      let problems = await agent.problems
      let lines = (problems.isEmpty ? ["ready"] : problems) + pods.compactMap(\.line)
      return Page(status: problems.isEmpty ? 200 : 500, text: lines.joined(separator: "\n") + "\n")
    }
  }

  private func pods() async -> [PodReadiness] {
    PodReadiness.all(await agent.readings(), await keeper.statuses())
  }

  static func workload(in query: String?) -> String? {
    PageQuery(query)["workload"].flatMap { $0.isEmpty ? nil : $0 }
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
      var text = MetricsText()
      await figures.value().write(into: &text)
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

  /// What capture needs of this kernel, and who else is on its hooks.
  private var capture: PageServer.Maker {
    { _ in
      let text = await Task.detached { CaptureText.page(agent.neighbours, agent.configuration) }.value
      return Page(text: text + "\n", contentType: "application/json")
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

  /// All that this agent knows, in the shape that `istioctl ztunnel-config` parses; keys of ours come after
  /// the ecosystem's.
  private var dump: PageServer.Maker {
    { _ in
      let statuses = await keeper.statuses()
      let pods = PodReadiness.all(await agent.readings(), statuses)
      let connections = Dictionary(grouping: await agent.connections(), by: \.pod)
      let mesh = await agent.known
      // A large mesh takes a while: on a thread of its own, not on the agent's.
      let text = await Task.detached {
        MeshText.object([
          ("workloads", MeshText.workloads(mesh)), ("services", MeshText.services(mesh)),
          ("policies", MeshText.policies(mesh)), ("stagedServices", "{}"),
          (
            "staticConfig",
            MeshText.object([("workloads", "[]"), ("services", "[]"), ("policies", "[]")])
          ), ("version", MeshText.object([("version", MeshText.text(version))])),
          (
            "config",
            MeshText.object([
              ("localNode", MeshText.text(agent.configuration.node)),
              ("clusterDomain", MeshText.text(agent.configuration.clusterDomain)),
              ("xdsAddress", MeshText.text(agent.configuration.control.description)),
              ("caAddress", MeshText.text(agent.configuration.control.description)),
            ])
          ), ("certificates", MeshText.list(statuses.map(StateDump.certificate))),
          (
            "workloadState",
            MeshText.object(pods.map { StateDump.pod($0, connections[$0.reading.uid] ?? []) })
          ), ("pods", MeshText.list(pods.map { MeshText.text($0.reading.workload) })),
          ("capture", CaptureText.page(agent.neighbours, agent.configuration)),
        ])
      }.value
      return Page(text: text + "\n", contentType: "application/json")
    }
  }
}
