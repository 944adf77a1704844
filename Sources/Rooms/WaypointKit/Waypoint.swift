import Bytes
import Fetching
import Issuance
import Logging
import MeshCodec
import MeshIndex
import MeshModel
import Proxying
import Reactor
import RequestProxying
import Subscription
import TLSEngine
import Telemetry
import Tokens

/// A waypoint: its identity, what it knows, and the workers that serve. Readiness is the truth: the
/// configuration is there, and a certificate.
actor Waypoint {
  private let settings: WaypointSettings
  private nonisolated let thread: ReactorThread
  private let log: Logger
  let identity: Identity
  nonisolated let requests: RequestRecords
  /// Fetches of issuers' keys that failed.
  nonisolated let keyFailures = Tally()
  nonisolated let connections: RecordQueue
  private let workers: [WorkerHandle]
  /// Of issuers whose keys are fetched; nil until there is one.
  private var keys: KeyKeeper?
  private var mesh = MeshState()
  private var snapshot = MeshSnapshot.unknown
  private var configuration: WaypointConfiguration?
  private var isSynced = false
  private var hasRules = false
  private var generation: UInt64 = 0
  private var issued: IssuedCredentials?
  private var outside = OutsideTrust()
  private var isServing = false
  private(set) var isDraining = false

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.executor }

  /// A waypoint is not captured: what it dials goes where it says.
  private struct NoCapture: CaptureLookup {
    func originalDestination(of accepted: Int32) -> SocketAddress? { nil }
    func exempt(_ descriptor: Int32) -> Bool { true }
  }

  init(_ settings: WaypointSettings, on thread: ReactorThread, log: Logger) throws {
    self.settings = settings
    self.thread = thread
    self.log = log
    identity = try Identity(
      trustDomain: settings.trustDomain, namespace: settings.waypoint.namespace,
      serviceAccount: settings.waypoint.name)
    connections = try RecordQueue()
    requests = try RequestRecords()
    let (records, service) = (requests, settings.waypoint.service(in: settings.clusterDomain))
    let (queue, keepsTraces, seed) = (connections, settings.collector != nil, settings.seed)
    workers = try (0..<settings.workers).map { index in
      try WorkerHandle.start(
        name: "worker-\(index)", capture: NoCapture(), records: queue, activate: { _ in },
        service: {
          WaypointService(
            service, on: $0, records: records, connections: queue, keepsTraces: keepsTraces, seed: seed)
        })
    }
  }

  /// What is missing before requests can be served; empty when nothing is.
  var problems: [String] {
    var found: [String] = []
    if isDraining { found.append("it is about to end") }
    if !isSynced { found.append("no mesh yet from the control plane") }
    if isSynced, configuration == nil { found.append("the control plane has no configuration for it") }
    if configuration != nil, !hasRules { found.append("its configuration cannot be used") }
    if generation == 0 { found.append("no certificate yet") }
    if found.isEmpty, !isServing { found.append("it is about to listen") }
    return found
  }

  /// It is never idle.
  var isAlwaysOn: Bool { configuration?.isAlwaysOn ?? false }

  // MARK: What it is told

  func take(_ batch: MeshBatch) {
    for change in batch.changes {
      switch change {
      case .upsert(.workload(let workload)): mesh.upsert(workload)
      case .upsert(.service(let service)): mesh.upsert(service)
      case .remove(.workload(let uid)): mesh.removeWorkload(uid: uid)
      case .remove(.service(let key)): mesh.removeService(key)
      case .upsert(.waypoint(let configuration)): take(configuration)
      // Not wanted any more: what it knew stays until it is stopped, which is soon.
      case .remove(.waypoint): break
      case .upsert(.trust(let trusted)): take(trusted)
      case .remove(.trust(let domain)):
        outside.remove(domain)
        log.notice("a trust domain is not trusted any more", metadata: ["domain": "\(domain)"])
      case .upsert(.telemetry(let scope)): mesh.upsert(scope)
      case .remove(.telemetry(let namespace)): mesh.removeTelemetry(namespace)
      // Never subscribed to: the configuration has the policies.
      case .upsert(.authorization), .remove(.authorization): break
      }
    }
    if batch.changes.contains(where: \.isOfTrust) { publishCredentials() }
    if batch.isSynced, !isSynced {
      isSynced = true
      mesh.markAddressesDelivered()
      mesh.markAuthorizationsDelivered()
    }
    snapshot = mesh.snapshot()
    for worker in workers { worker.publish(snapshot) }
  }

  private func take(_ new: WaypointConfiguration) {
    guard new.waypoint == settings.waypoint else { return }
    let tables: WaypointTables
    do {
      tables = try WaypointTables(new, machineAuthorities: machineAuthorities(for: new))
    } catch {
      log.error("the earlier rules stay: the new ones cannot be used", metadata: ["error": "\(error)"])
      return
    }
    let kept = Set(new.authorizations.map(\.key))
    for policy in configuration?.authorizations ?? [] where !kept.contains(policy.key) {
      mesh.removeAuthorization(policy.key)
    }
    for policy in new.authorizations { mesh.upsert(policy) }
    configuration = new
    hasRules = true
    for worker in workers {
      worker.perform { ($0 as? WaypointService)?.proxy.adopt(tables) }
    }
    keep(tables.tokens.uris)
    log.notice(
      "rules taken",
      metadata: [
        "services": "\(new.services.count)", "policies": "\(new.authorizations.count)",
        "because": "\(new.reasons.joined(separator: "; "))",
      ])
  }

  /// Whom the machine trusts, where some application is to be believed by that.
  private func machineAuthorities(for new: WaypointConfiguration) -> TrustBundle? {
    guard new.needsMachineAuthorities else { return nil }
    do throws(FetchError) {
      return try SystemRoots.read()
    } catch {
      log.error("TLS to applications cannot be verified", metadata: ["error": "\(error)"])
      return nil
    }
  }

  /// Fetches the keys of issuers, and tells the workers.
  private func keep(_ uris: [(uri: String, timeout: Int)]) {
    if keys == nil, !uris.isEmpty { keys = keyKeeper() }
    keys?.keep(uris)
  }

  private func keyKeeper() -> KeyKeeper {
    var roots: TrustBundle?
    do throws(FetchError) {
      if let file = settings.issuerRoots {
        roots = try SystemRoots.read(adding: file)
      } else {
        roots = try SystemRoots.read()
      }
    } catch {
      log.error("no keys can be fetched over https", metadata: ["error": "\(error)"])
    }
    let keeper = KeyKeeper(
      on: thread, roots: roots,
      report: { [log, keyFailures] fault in
        keyFailures.add()
        log.warning("keys of an issuer", metadata: ["error": "\(fault)"])
      },
      onChange: { [workers] keys in
        for worker in workers { worker.perform { ($0 as? WaypointService)?.proxy.adopt(keys) } }
      })
    for worker in workers {
      worker.perform { [weak keeper] in
        ($0 as? WaypointService)?.proxy.askForKeys = { keeper?.refresh($0) }
      }
    }
    return keeper
  }

  func take(_ issued: IssuedCredentials) async {
    self.issued = issued
    publishCredentials()
  }

  private func take(_ trusted: TrustedDomain) {
    if let problem = outside.upsert(trusted) {
      log.error(
        "a trust domain is not trusted: its roots cannot be used",
        metadata: ["domain": "\(trusted.domain)", "error": "\(problem)"])
    } else {
      log.notice("a trust domain is trusted", metadata: ["domain": "\(trusted.domain)"])
    }
  }

  /// What it speaks with, and whom it believes: every change has another number, and live tunnels of peers
  /// that are not trusted any more end.
  private func publishCredentials() {
    guard let issued else { return }
    generation += 1
    let trust = outside.store(issued.roots, home: settings.trustDomain)
    do throws(TLSError) {
      let tls = WorkloadTLS(
        client: try .client(credentials: issued.credentials, trust: trust),
        server: try .server(credentials: issued.credentials, trust: trust), generation: generation)
      for worker in workers { worker.publish(tls, for: identity) }
    } catch {
      log.error("a certificate cannot be used", metadata: ["error": "\(error)"])
    }
  }

  // MARK: Serving

  /// Takes tunnels; each worker listens for itself, and the kernel spreads peers over them.
  func listen() async throws {
    for worker in workers {
      let sockets = PodSockets(
        namespace: try NetworkNamespace.current(),
        listening: try settings.addresses.map {
          .init(.hbone, try .listener(on: SocketAddress($0, MeshPort.hbone)))
        })
      let failure = await worker.enroll(
        PodFacts(
          uid: settings.pod, name: settings.pod, namespace: settings.waypoint.namespace,
          identity: identity, addresses: settings.addresses, sockets: sockets))
      if let failure { throw WaypointError("it cannot listen: \(failure)") }
    }
    isServing = true
  }

  /// Clients' connections, over all workers. Tunnels do not count: agents keep theirs for a while.
  func load() async -> Int {
    var load = 0
    for worker in workers {
      for tunnel in await worker.tunnels() where !tunnel.isOpenedHere { load += tunnel.streams }
    }
    return load
  }

  /// Tunnels of clients and to endpoints, over all workers.
  func tunnelCount() async -> Int {
    var count = 0
    for worker in workers { count += await worker.tunnels().count }
    return count
  }

  /// Whom series of metrics may tell of; nil before the first complete delivery.
  func presence() -> Presence? {
    isSynced ? Presence(workloads: snapshot.workloads, services: snapshot.services) : nil
  }

  /// What is logged, counted and traced.
  var telemetry: TelemetryRules { snapshot.telemetry }

  /// What the workers hold and have counted.
  func figures() async -> RequestFigures {
    var figures = RequestFigures()
    for worker in workers {
      figures.add(
        await withCheckedContinuation { continuation in
          worker.perform { service in
            continuation.resume(returning: (service as? WaypointService)?.proxy.figures ?? RequestFigures())
          }
        })
    }
    return figures
  }

  /// Clients are told to go elsewhere.
  func drain() {
    isDraining = true
    for worker in workers { worker.drain() }
  }

  func stop() { for worker in workers { worker.stop() } }
}

extension MeshBatch.Change {
  fileprivate var isOfTrust: Bool {
    switch self {
    case .upsert(.trust), .remove(.trust): true
    default: false
    }
  }
}
