import Bytes
import Fetching
import Glibc
import Issuance
import Logging
import MeshAPI
import MeshModel
import Proxying
import RPC
import Reactor
import Reporting
import Subscription
import SwiftProtobuf
import TLSEngine
public import Telemetry
import Transport

/// A waypoint as a process: start, serve until SIGTERM or SIGINT, drain, end.
public enum WaypointProcess {
  /// - Throws: `WaypointError`, in one sentence, when it cannot start.
  public static func run(_ settings: WaypointSettings, output: LogOutput, version: String) async throws {
    let log = Logger(label: "waypoint")
    let thread: ReactorThread
    let signals: SignalWatch
    do throws(SystemError) {
      signals = try SignalWatch([SIGTERM, SIGINT])
      thread = try ReactorThread(name: "waypoint")
    } catch {
      throw WaypointError("it cannot start: \(error)")
    }
    let waypoint = try Waypoint(settings, on: thread, log: log)
    let keeper = IdentityKeeper(
      IssuanceConfiguration(
        address: settings.control, serverName: settings.controlName, rootsFile: settings.controlRoot,
        tokenFile: settings.token),
      on: thread, log: log)
    keeper.hold(waypoint.identity)
    let registry = MetricRegistry()
    output.register(in: registry)
    ProcessFigures.register(in: registry, component: "waypoint", version: version)
    let subscription = subscription(settings, thread, log)
    let exporter = try exporter(settings, registry, log)
    let records = WaypointRecords(
      waypoint, keeper, subscription, output, registry, exporter: exporter,
      showsQueries: settings.showsQueries)
    var tasks = try pages(waypoint, records, settings, thread, log)
    tasks += records.follow(on: thread)
    tasks += follow(waypoint, keeper, subscription, records, settings, thread, log)
    let witness = WaypointWitness(
      waypoint, keeper, subscription, records, pod: settings.pod, version: version)
    tasks.append(report(witness, settings, thread, log))
    tasks.append(Task(executorPreference: thread) { await ProgramPages.settle(on: thread) })
    let send = try settings.collector?.sender(on: thread)
    if let exporter, let send {
      tasks.append(Task(executorPreference: thread) { await exporter.run(on: thread, send) })
    }
    try await waypoint.listen()
    log.notice("waypoint started", metadata: ["waypoint": "\(settings.waypoint)", "pod": "\(settings.pod)"])
    _ = try await signals.next(on: thread)
    log.notice("draining", metadata: ["seconds": "\(settings.drainSeconds)"])
    await waypoint.drain()
    let deadline = Clock.now() + .seconds(settings.drainSeconds)
    while await waypoint.load() > 0, Clock.now() < deadline {
      try? await thread.sleep(for: .milliseconds(50))
    }
    for task in tasks { task.cancel() }
    records.take()
    if let exporter, let send { await exporter.flush(send) }
    log.notice("waypoint ended")
  }

  /// Of the spans of its requests; nil where there is no collector.
  private static func exporter(
    _ settings: WaypointSettings, _ registry: MetricRegistry, _ log: Logger
  ) throws(SystemError) -> SpanExporter? {
    guard let collector = settings.collector else { return nil }
    log.notice("traces are kept", metadata: ["collector": "\(collector)"])
    let waypoint = settings.waypoint
    var party = ConnectionRecord.Party(workload: settings.pod, namespace: waypoint.namespace)
    party.canonicalName = waypoint.name
    party.owner = waypoint.name
    return try SpanExporter(
      process: [("telemetry.sdk.name", "apus-waypoint")], party: party, registry: registry, log: log)
  }

  private static func pages(
    _ waypoint: Waypoint, _ records: WaypointRecords, _ settings: WaypointSettings,
    _ thread: ReactorThread, _ log: Logger
  ) throws -> [Task<Void, Never>] {
    let ready: PageServer.Maker = { _ in
      let problems = await waypoint.problems
      guard !problems.isEmpty else { return Page(text: "ready\n") }
      return Page(status: 500, text: problems.joined(separator: "\n") + "\n")
    }
    let metrics: PageServer.Maker = { _ in
      Page(text: await records.page(), contentType: MetricsText.contentType)
    }
    return try [
      (settings.readiness, ["/healthz/ready": ready]), (settings.metrics, ["/metrics": metrics]),
    ].map { (address: SocketAddress, makers: [String: PageServer.Maker]) in
      do {
        let server = try PageServer(on: address, pages: makers, thread: thread, log: log)
        return Task(executorPreference: thread) { await server.run() }
      } catch {
        throw WaypointError("it cannot serve pages on \(address): \(error)")
      }
    }
  }

  private static func subscription(
    _ settings: WaypointSettings, _ thread: ReactorThread, _ log: Logger
  ) -> Subscription {
    let name = settings.waypoint
    return Subscription(
      Subscription.Settings(
        address: settings.control, name: settings.controlName, rootFile: settings.controlRoot,
        tokenFile: settings.token,
        nodeID: "waypoint~\(settings.addresses.first.map(String.init(describing:)) ?? "0.0.0.0")~"
          + "\(settings.pod).\(name.namespace)~\(name.namespace).svc.\(settings.clusterDomain)",
        nodeName: settings.pod, waypoint: name),
      on: thread, log: log)
  }

  private static func report(
    _ witness: WaypointWitness, _ settings: WaypointSettings, _ thread: ReactorThread, _ log: Logger
  ) -> Task<Void, Never> {
    let reporter = ReportSender(
      ReportSender.Settings(
        address: settings.control, name: settings.controlName, rootFile: settings.controlRoot,
        tokenFile: settings.token),
      on: thread, log: log)
    return Task(executorPreference: thread) { await reporter.run { await witness.document() } }
  }

  private static func follow(
    _ waypoint: Waypoint, _ keeper: IdentityKeeper, _ subscription: Subscription,
    _ records: WaypointRecords, _ settings: WaypointSettings, _ thread: ReactorThread, _ log: Logger
  ) -> [Task<Void, Never>] {
    [
      Task(executorPreference: thread) { await keeper.run() },
      Task(executorPreference: thread) {
        for await issued in keeper.deliveries() { await waypoint.take(issued) }
      },
      Task(executorPreference: thread) {
        await subscription.run { batch in
          await waypoint.take(batch)
          records.rules.adopt(await waypoint.telemetry)
        }
      },
      Task(executorPreference: thread) { await watchIdleness(waypoint, settings, thread, log) },
    ]
  }

  // MARK: Idleness

  /// The pause between two askings, shorter than the control plane remembers one.
  private static let releasePause = Interval.seconds(5)

  /// Asks to be stopped when nobody has held a tunnel for long enough, again until it is.
  private static func watchIdleness(
    _ waypoint: Waypoint, _ settings: WaypointSettings, _ thread: ReactorThread, _ log: Logger
  ) async {
    var busy = Clock.now()
    var next = busy
    while !Task.isCancelled {
      let now = Clock.now()
      let isAlwaysOn = await waypoint.isAlwaysOn
      if await waypoint.load() > 0 || isAlwaysOn { busy = now }
      if now - busy >= .seconds(settings.idleSeconds), now >= next {
        log.info("idle: asking to be stopped", metadata: ["seconds": "\(settings.idleSeconds)"])
        next = now + releasePause
        do {
          try await release(settings, thread)
          log.notice("idle: to be stopped", metadata: ["seconds": "\(settings.idleSeconds)"])
        } catch {
          log.info("not stopped", metadata: ["error": "\(error)"])
        }
      }
      do throws(SystemError) { try await thread.sleep(for: .seconds(1)) } catch { return }
    }
  }

  private static func release(_ settings: WaypointSettings, _ thread: ReactorThread) async throws {
    let roots = try TrustBundle(pem: Files.text(settings.controlRoot, limit: 1 << 20))
    let token = try Files.text(settings.token, limit: 64 << 10)
      .split(whereSeparator: \.isWhitespace).first.map(String.init)
    let client = try await RPCClient.connect(
      to: settings.control, name: settings.controlName, roots: roots, on: thread)
    let request = Apus_Waypoint_V1_ReleaseRequest.with { $0.pod = settings.pod }
    let message: [UInt8] = try request.serializedBytes()
    _ = try await client.call(MethodPath.releaseWaypoint, message, token: token, timeout: .seconds(5))
  }
}
