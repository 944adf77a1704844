import BPFRuntime
import Bytes
import Enrollment
import Glibc
import Logging
import MeshCodec
import MeshIndex
import MeshModel
import Netlink
import Proxying
import Reactor
import Telemetry

/// The node agent: what is true of this node's pods, and the workers that serve them.
///
/// It lives on one reactor thread, apart from the workers. Everything that it learns (pods from the CNI
/// plugin, the mesh and certificates from the control plane) becomes an immutable value that is handed to the
/// workers.
actor Agent {
  nonisolated let thread: ReactorThread
  nonisolated let configuration: AgentConfiguration
  nonisolated let log: Logger
  nonisolated let records: RecordQueue
  private let capture: Capture
  private nonisolated let watch: CaptureWatch
  /// Programs of other tools on our hooks.
  nonisolated let neighbours: [HookNeighbour]
  let workers: [WorkerHandle]
  private var mesh = MeshState()
  private var snapshot = MeshSnapshot.unknown
  /// Pods of which the mesh does not tell yet, by uid: they have no certificate.
  private var strangers: Set<String> = []
  private(set) var isSynced = false
  /// How often the mesh has changed.
  private(set) var meshChanges: UInt64 = 0
  private var ledger = EnrollmentLedger()
  /// Pods that could not be served: what an earlier agent captured of them stays captured, and so refused.
  private var unserved = UnservedPods()
  private var pods: [String: AgentPod] = [:]
  /// When each pod was enrolled, by uid.
  private var joins: [String: Instant] = [:]
  /// How many pods speak under an identity; its certificate is held as long as one does.
  private var holders: [Identity: Int] = [:]
  /// Counts what workers were given to open tunnels with.
  private var generation: UInt64 = 0
  private let identities: any IdentitySource

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.executor }

  init(
    _ configuration: AgentConfiguration, on thread: ReactorThread, identities: any IdentitySource, log: Logger
  ) throws {
    self.configuration = configuration
    self.thread = thread
    self.identities = identities
    self.log = log
    let controlGroup = try configuration.controlGroup ?? ControlGroup.mountPoint()
    capture = try Capture(
      CaptureOptions(
        controlGroup: controlGroup, pins: configuration.pins, host: try configuration.hostCookie()))
    neighbours = capture.neighbours
    for neighbour in neighbours { log.notice("\(neighbour)") }
    let watch = CaptureWatch(log: log)
    // What a process elsewhere opens is not captured, and so shows nothing.
    let isWithin = ControlGroup.mayHoldThisProcess(controlGroup)
    if !isWithin {
      log.notice("pods' capture is not looked at: the agent is outside \(controlGroup)")
    }
    self.watch = watch
    let records = try RecordQueue(limit: configuration.keepsRecords ? RecordQueue.usualLimit : 0)
    self.records = records
    let lookup = KernelCapture(capture: capture)
    let activation = WaypointActivation(configuration, on: thread, log: log)
    workers = try (0..<configuration.workers).map { index in
      try WorkerHandle.start(
        name: "worker-\(index)", capture: lookup, records: records,
        keepsTraces: configuration.collector != nil, activate: activation.activate,
        watcher: isWithin ? watch.take : nil)
    }
  }

  // MARK: The mesh

  /// Takes one batch of the control plane's changes and hands the result to the workers.
  func take(_ change: (inout MeshState) -> Void, synced: Bool) {
    change(&mesh)
    if synced, !isSynced {
      isSynced = true
      mesh.markAddressesDelivered()
      mesh.markAuthorizationsDelivered()
      for waiter in awaitingSync { waiter.resume() }
      awaitingSync = []
    }
    meshChanges += 1
    snapshot = mesh.snapshot()
    for worker in workers { worker.publish(snapshot) }
    for uid in strangers {
      if let pod = pods[uid] { certify(pod) }
    }
  }

  /// Hands an identity's new certificate to the workers that have pods of it.
  func take(_ tls: WorkloadTLS, of identity: Identity) {
    guard holders[identity] != nil else { return }
    latest[identity] = tls
    // To every worker: the one whose pod is only about to be enrolled would otherwise never hear of it.
    for worker in workers { worker.publish(tls, for: identity) }
  }

  private(set) var latest: [Identity: WorkloadTLS] = [:]
  var outside = OutsideTrust()

  func nextGeneration() -> UInt64 {
    generation += 1
    return generation
  }

  private var awaitingSync: [CheckedContinuation<Void, Never>] = []

  /// Returns once the whole mesh has been delivered for the first time.
  func synced() async {
    guard !isSynced else { return }
    await withCheckedContinuation { if isSynced { $0.resume() } else { awaitingSync.append($0) } }
  }

  // MARK: Pods

  func beginSession() {
    ledger.beginSession()
    unserved.beginSession()
  }

  var hasPodList: Bool { ledger.isComplete }
  var enrolled: [PodEnrollment] { ledger.enrolled }

  func isServed(_ uid: String) -> Bool { pods[uid] != nil }
  func joined(_ uid: String) -> Instant? { joins[uid] }

  /// The pod is to be captured, and its network namespace is not known.
  func note(unserved uid: String) { unserved.insert(uid, cookie: nil) }

  /// AddWorkload: serves the pod of this network namespace; throws what the CNI plugin should be told.
  func add(_ enrollment: PodEnrollment, _ namespace: borrowing NetworkNamespace) async throws {
    switch ledger.add(enrollment) {
    case .alreadyEnrolled: return
    case .refuse:
      unserved.insert(enrollment.uid, cookie: try? namespace.cookie())
      throw AgentError(.failed, "this node has too many pods")
    case .replace(let old): await withdraw(old.uid)
    case .enroll: break
    }
    do {
      try await serve(enrollment, namespace)
      unserved.remove(enrollment.uid)
    } catch {
      ledger.failed(uid: enrollment.uid)
      unserved.insert(enrollment.uid, cookie: try? namespace.cookie())
      log.error(
        "cannot serve a pod",
        metadata: ["pod": "\(enrollment.namespace)/\(enrollment.name)", "error": "\(error)"])
      throw error
    }
  }

  private func serve(_ enrollment: PodEnrollment, _ namespace: borrowing NetworkNamespace) async throws {
    let identity = try Identity(
      trustDomain: configuration.trustDomain, namespace: enrollment.namespace,
      serviceAccount: enrollment.serviceAccount)
    let plumbing = try PodPlumbing(namespace)
    let worker = workers[Int(truncatingIfNeeded: plumbing.cookie) % workers.count]
    let pod = AgentPod(enrollment: enrollment, identity: identity, plumbing: plumbing, worker: worker)
    let failure = await worker.enroll(
      PodFacts(
        uid: enrollment.uid, name: enrollment.name, namespace: enrollment.namespace, identity: identity,
        addresses: plumbing.addresses, sockets: plumbing.sockets))
    if let failure { throw failure }
    do {
      try capture.enroll(
        pod.captured, namespace: plumbing.sockets.namespace.descriptor, listeners: plumbing.listeners)
      if !capture.adopted.contains(where: { $0.cookie == plumbing.cookie }) {
        try endOlderConnections(of: plumbing)
      }
    } catch {
      await worker.withdraw(uid: enrollment.uid)
      throw error
    }
    pods[enrollment.uid] = pod
    joins[enrollment.uid] = Clock.now()
    certify(pod)
    log.info(
      "serving a pod",
      metadata: [
        "pod": "\(enrollment.namespace)/\(enrollment.name)", "identity": "\(identity)",
        "addresses": "\(plumbing.addresses.map(\.description).joined(separator: " "))",
      ])
  }

  /// Connections that a pod opened before it was captured would stay in plaintext for as long as they live.
  private func endOlderConnections(of plumbing: PodPlumbing) throws {
    try plumbing.sockets.namespace.insideAny {
      _ = try NetlinkSession().destroyTCPSockets { socket in
        socket.state != .listen && !socket.remote.ip.isLoopback && !socket.remote.ip.isUnspecified
      }
    }
  }

  func keep(uid: String) throws {
    guard ledger.keep(uid: uid) else {
      unserved.insert(uid, cookie: nil)
      throw AgentError(.failed, "the pod is not served here")
    }
  }

  func remove(uid: String) async {
    if let cookie = unserved.remove(uid) { release(cookie: cookie) }
    guard ledger.remove(uid: uid) != nil else { return }
    await withdraw(uid)
  }

  /// SnapshotSent: what was not named is gone, also what an earlier agent left in the kernel. A pod that was
  /// named and cannot be served is not gone: to withdraw it would let its traffic out in the clear.
  func completePodList() async {
    for pod in ledger.completeList() { await withdraw(pod.uid) }
    let served = Set(pods.values.map(\.plumbing.cookie))
    for orphan in capture.enrolled() where !served.contains(orphan.cookie) {
      if unserved.mayInclude(cookie: orphan.cookie) {
        log.warning("a pod stays captured and is not served", metadata: ["addresses": "\(orphan.addresses)"])
      } else {
        release(cookie: orphan.cookie)
      }
    }
  }

  private func release(cookie: UInt64) {
    do { try capture.withdraw(cookie: cookie) } catch {
      log.warning("cannot withdraw a pod", metadata: ["error": "\(error)"])
    }
  }

  private func withdraw(_ uid: String) async {
    guard let pod = pods.removeValue(forKey: uid) else { return }
    joins[uid] = nil
    defer { watch.forget(uid) }
    do {
      try capture.withdraw(cookie: pod.plumbing.cookie)
    } catch {
      log.warning("cannot withdraw a pod", metadata: ["pod": "\(pod.enrollment.name)", "error": "\(error)"])
    }
    await pod.worker.withdraw(uid: uid)
    if strangers.remove(uid) == nil { release(pod.identity) }
    log.info("pod is gone", metadata: ["pod": "\(pod.enrollment.namespace)/\(pod.enrollment.name)"])
  }

  /// Asks for the pod's certificate as soon as the control plane knows of the pod: before, it would rightly
  /// refuse.
  private func certify(_ pod: AgentPod) {
    let known = snapshot.pod(pod.enrollment.name, namespace: pod.enrollment.namespace)
    guard known?.identity == pod.identity else {
      strangers.insert(pod.enrollment.uid)
      return
    }
    strangers.remove(pod.enrollment.uid)
    hold(pod.identity, for: pod.worker)
  }

  private func hold(_ identity: Identity, for worker: WorkerHandle) {
    holders[identity, default: 0] += 1
    if holders[identity] == 1 { identities.hold(identity) }
    if let tls = latest[identity] { worker.publish(tls, for: identity) }
  }

  private func release(_ identity: Identity) {
    holders[identity, default: 1] -= 1
    guard holders[identity] == 0 else { return }
    holders[identity] = nil
    latest[identity] = nil
    for worker in workers { worker.forget(identity) }
    identities.release(identity)
  }

  // MARK: The end

  /// Stops accepting and waits, within the limit, until the last connection has ended.
  func drain() async {
    for worker in workers { worker.drain() }
    let limit = Clock.now() + .seconds(configuration.drainSeconds)
    while Clock.now() < limit {
      var connections = 0
      for worker in workers { connections += await worker.report().connections }
      if connections == 0 { return }
      do { try await thread.sleep(for: .milliseconds(100)) } catch { return }
    }
  }

  /// The pods that are served, in the order of their names.
  func readings() -> [PodReadiness.Reading] {
    pods.values.map { pod in
      PodReadiness.Reading(
        uid: pod.enrollment.uid, workload: "\(pod.enrollment.namespace)/\(pod.enrollment.name)",
        identity: pod.identity, isKnown: !strangers.contains(pod.enrollment.uid),
        captureProblem: watch.problem(of: pod.enrollment.uid))
    }
    .sorted { $0.workload < $1.workload }
  }

  /// The connections of all workers.
  func connections() async -> [ConnectionReport] {
    var all: [ConnectionReport] = []
    for worker in workers { all += await worker.connections() }
    return all
  }

  /// The tunnels of all workers.
  func tunnels() async -> [TunnelReport] {
    var all: [TunnelReport] = []
    for worker in workers { all += await worker.tunnels() }
    return all
  }

  /// How much of the mesh this agent knows.
  struct Holdings: Sendable {
    var workloads: Int
    var services: Int
    var policies: Int
  }

  /// What the control plane has told, and whom this agent trusts; nil before the first complete delivery.
  func knownMesh() -> MeshDump? {
    guard isSynced else { return nil }
    return MeshDump(
      trustDomains: [configuration.trustDomain] + outside.domains,
      resources: snapshot.workloads.map { .workload($0) } + snapshot.services.map { .service($0) }
        + snapshot.authorizations.map { .authorization($0) })
  }

  /// Why the node is not ready; empty when it is.
  var problems: [String] {
    var problems: [String] = []
    if !isSynced { problems.append("no mesh yet from the control plane") }
    if !ledger.isComplete { problems.append("no list of pods yet from the CNI plugin") }
    return problems
  }

  func holdings() -> Holdings {
    Holdings(
      workloads: snapshot.workloadCount, services: snapshot.serviceCount,
      policies: snapshot.authorizationCount)
  }

  func reports() async -> [WorkerReport] {
    var reports: [WorkerReport] = []
    for worker in workers { reports.append(await worker.report()) }
    return reports
  }

  /// Walks kernel maps: for pages that are gathered once a second at most.
  func occupancy() -> [MapOccupancy] { capture.occupancy() }

  /// How often a connection of the host's was let to a pod past the mesh.
  func passedFromHost() -> UInt64 { capture.passedFromHost() }

  /// How often a pod's capture was found not to hold.
  nonisolated var captureViolations: UInt64 { watch.violations }

  /// The mesh as it is known now.
  var known: MeshSnapshot { snapshot }

  /// What is logged, counted and traced.
  var telemetry: TelemetryRules { snapshot.telemetry }

  /// Whom series of metrics may tell of; nil before the first complete delivery.
  func presence() -> Presence? {
    isSynced ? Presence(workloads: snapshot.workloads, services: snapshot.services) : nil
  }

  /// Inbound connections that live now, by worker.
  func liveFlows() async -> [Flow] {
    var flows: [Flow] = []
    for worker in workers { flows += await worker.flows().flows }
    return flows
  }
}

/// Where certificates come from: asked to keep one fresh for each identity in use.
protocol IdentitySource: Sendable {
  func hold(_ identity: Identity)
  func release(_ identity: Identity)
}
