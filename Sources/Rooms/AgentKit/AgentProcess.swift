import BPFRuntime
import Fetching
import Glibc
import Issuance
import Logging
import MeshModel
import Proxying
import Reporting
import Reactor
import Subscription
import TLSEngine
public import Telemetry

/// An agent as a process: start, serve until SIGTERM or SIGINT, drain, end.
public enum AgentProcess {
  /// - Throws: `AgentError`, in one sentence, when it cannot start.
  public static func run(_ configuration: AgentConfiguration, output: LogOutput, version: String) async throws
  {
    let log = Logger(label: "agent")
    guard ProcessSetup.isRoot else {
      throw AgentError(
        .unprivileged, "it needs root: capturing connections takes CAP_NET_ADMIN, CAP_BPF and CAP_SYS_ADMIN")
    }
    let thread: ReactorThread
    let signals: SignalWatch
    do throws(SystemError) {
      signals = try SignalWatch([SIGTERM, SIGINT])
      thread = try ReactorThread(name: "agent")
    } catch {
      throw AgentError(.failed, "it cannot start: \(error)")
    }
    let keeper = IdentityKeeper(
      IssuanceConfiguration(
        address: configuration.control, serverName: configuration.controlName,
        rootsFile: configuration.controlRoot, tokenFile: configuration.token),
      on: thread, log: log)
    let agent: Agent
    do {
      agent = try Agent(configuration, on: thread, identities: keeper, log: log)
    } catch let error as BPFError {
      throw AgentError(error.kind, error.description)
    }
    log.notice(
      "agent started", metadata: ["node": "\(configuration.node)", "workers": "\(configuration.workers)"])
    let registry = MetricRegistry()
    output.register(in: registry)
    ProcessFigures.register(in: registry, component: "agent", version: version)
    let exporter = try exporter(configuration, registry, log)
    let sink = RecordSink(log: output, registry: registry, exporter: exporter)
    let subscription = subscription(configuration, thread, log)
    let pages = try AgentPages(
      agent: agent, keeper: keeper, registry: registry, history: sink.flows,
      figures: Gathered { await AgentFigures.gather(agent, keeper, subscription) },
      logging: LogPage(output.levels), profile: ProfilePage(on: thread), version: version
    ).serve(configuration, on: thread, log: log)
    let edges = EdgeTable()
    let witness = AgentWitness(agent, keeper, subscription, edges, version: version)
    var tasks =
      startTasks(agent, keeper, sink, edges, subscription, thread) + pages
      + followPods(agent, configuration, thread, log)
      + [report(witness, configuration, thread, log)]
    let send = try configuration.collector?.sender(on: thread)
    if let exporter, let send {
      tasks.append(Task(executorPreference: thread) { await exporter.run(on: thread, send) })
    }
    let signal = try await signals.next(on: thread)
    log.notice("draining", metadata: ["signal": "\(signal)", "seconds": "\(configuration.drainSeconds)"])
    await agent.drain()
    for task in tasks { task.cancel() }
    agent.drainRecords(into: sink, edges)
    if let exporter, let send { await exporter.flush(send) }
    log.notice("agent ended; its pods are refused their connections until an agent is back")
  }

  /// Of the spans of this node's connections; nil where there is no collector.
  private static func exporter(
    _ configuration: AgentConfiguration, _ registry: MetricRegistry, _ log: Logger
  ) throws(SystemError) -> SpanExporter? {
    guard let collector = configuration.collector else { return nil }
    log.notice("traces are kept", metadata: ["collector": "\(collector)"])
    return try SpanExporter(
      process: [("k8s.node.name", configuration.node), ("telemetry.sdk.name", "apus-agent")],
      registry: registry, log: log)
  }

  private static func subscription(
    _ configuration: AgentConfiguration, _ thread: ReactorThread, _ log: Logger
  ) -> Subscription {
    Subscription(
      Subscription.Settings(
        address: configuration.control, name: configuration.controlName, rootFile: configuration.controlRoot,
        tokenFile: configuration.token,
        nodeID: "ztunnel~127.0.0.1~apus-agent-\(configuration.node).apus-system~"
          + "apus-system.svc.\(configuration.clusterDomain)",
        nodeName: configuration.node),
      on: thread, log: log)
  }

  private static func report(
    _ witness: AgentWitness, _ configuration: AgentConfiguration, _ thread: ReactorThread, _ log: Logger
  ) -> Task<Void, Never> {
    let reporter = ReportSender(
      ReportSender.Settings(
        address: configuration.control, name: configuration.controlName,
        rootFile: configuration.controlRoot, tokenFile: configuration.token),
      on: thread, log: log)
    return Task(executorPreference: thread) { await reporter.run { await witness.document() } }
  }

  /// Where the pods of this node are heard of.
  private static func followPods(
    _ agent: Agent, _ configuration: AgentConfiguration, _ thread: ReactorThread, _ log: Logger
  ) -> [Task<Void, Never>] {
    guard let socket = configuration.cniSocket else {
      // The CNI plugin is dialed once the mesh is known: a pod is only acknowledged by an agent that can
      // serve it.
      return [
        Task(executorPreference: thread) {
          await agent.synced()
          await agent.followPods()
        }
      ]
    }
    let roster = RosterLink(configuration, on: thread)
    return [
      Task(executorPreference: thread) {
        await agent.synced()
        await agent.followRoster(roster, processes: configuration.hostProcesses)
      },
      Task(executorPreference: thread) {
        let listener = CNIListener(agent, roster, on: thread, log: log)
        do throws(SystemError) { try await listener.run(at: socket) } catch {
          log.critical(
            "no pod can be started: the CNI plugin cannot reach this agent",
            metadata: ["socket": "\(socket)", "error": "\(error)"])
        }
      },
    ]
  }

  private static func startTasks(
    _ agent: Agent, _ keeper: IdentityKeeper, _ sink: RecordSink, _ edges: EdgeTable,
    _ subscription: Subscription, _ thread: ReactorThread
  ) -> [Task<Void, Never>] {
    [
      Task(executorPreference: thread) { await ProgramPages.settle(on: thread) },
      Task(executorPreference: thread) { await keeper.run() },
      Task(executorPreference: thread) {
        for await issued in keeper.deliveries() { await agent.take(issued) }
      },
      Task(executorPreference: thread) {
        await subscription.run { batch in
          await agent.take(batch)
          sink.rules.adopt(await agent.telemetry)
        }
      },
      Task(executorPreference: thread) { await agent.followRecords(into: sink, edges) },
      Task(executorPreference: thread) { await agent.sweep(sink) },
    ]
  }
}

extension IdentityKeeper: IdentitySource {}

extension BPFError {
  fileprivate var kind: AgentError.Kind {
    switch self {
    case .unprivileged: .unprivileged
    case .missingFeature, .hookHeld: .missingFeature
    default: .failed
    }
  }
}
