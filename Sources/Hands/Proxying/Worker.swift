import Bytes
import HBONE
import MeshIndex
import MeshModel
import Reactor
import TLSEngine
import H2Engine

/// One thread of the data path. It owns everything that its connections need: poller, slab, tunnels, buffers
/// and a snapshot of the mesh. Nothing here is locked, and no other thread touches it; what comes from
/// outside arrives by the mailbox of its `WorkerHandle`.
///
/// A tick is: wait, take commands, handle events, pass deadlines, flush every tunnel that has something to
/// say. Tunnels are flushed once a tick, because many streams' frames in one send are what makes sharing a
/// tunnel cheap.
final class Worker {
  let handle: WorkerHandle
  let capture: any CaptureLookup
  let records: RecordQueue
  let times: TunnelTimes
  let home: NetworkNamespace
  /// There is a collector of traces.
  let keepsTraces: Bool
  private let activate: @Sendable (ServiceKey) -> Void
  /// Of an agent: pods' capture is looked at from inside, and this is told what was found.
  private let watcher: (@Sendable (CaptureFinding) -> Void)?
  /// Of a waypoint: takes the streams that peers open.
  private(set) var service: (any StreamService)?
  private var serviceDeadline: Instant?
  /// Pipes whose owners are to be told what has left.
  private var settling: [any SettlingPipe] = []
  /// When each waypoint was last asked for.
  private var demanded: [ServiceKey: Instant] = [:]
  private let poller: Poller
  private var targets = Slab<any PollTarget>()
  private var deadlines = Deadlines()
  private var untold = UntoldOpenings()
  private(set) var now = Clock.now()
  /// Seconds since 1970, by which certificates end.
  private(set) var wall = Worker.wallSeconds()

  private(set) var mesh = MeshSnapshot.unknown
  private(set) var credentials: [Identity: WorkloadTLS] = [:]
  private(set) var pods: [String: EnrolledPod] = [:]
  private(set) var isDraining = false
  private var isStopped = false
  private var ticks: UInt64 = 0
  var random = FastRandom()
  /// Of waypoints with several replicas.
  var turns = Turns()

  /// Scratch space of the tick, shared by all tunnels and connections of the worker.
  var ciphertext = ByteQueue()
  var plaintext = ByteQueue()
  var staging = ByteQueue()
  var events = H2Events()
  /// What became of tunnels since the start.
  var tunnelCounts = TunnelCounts()
  /// What met a limit since the start.
  var turnedAway = TurnedAway()
  /// How often a live connection was judged again.
  private var judgements: UInt64 = 0
  /// How often a look at a pod's capture has found that it holds.
  var captureChecks: UInt64 = 0
  /// The most ciphertext that one tunnel sent in one tick, in bytes.
  var largestFlush = 0
  /// Bytes that wait for applications' sockets, over all connections.
  var backlog = 0
  /// What is kept for the case that a waypoint dies.
  var keptRequests = KeptRequests()
  private var dirty: [Tunnel] = []
  /// Tunnels that have had their share of this tick and go on in the next.
  private var postponed: [Tunnel] = []
  /// Answered when the tick is over, and with it all that held on to a withdrawn pod's sockets.
  private var withdrawn: [@Sendable () -> Void] = []

  init(
    _ handle: WorkerHandle, capture: any CaptureLookup, records: RecordQueue, times: TunnelTimes,
    keepsTraces: Bool, activate: @escaping @Sendable (ServiceKey) -> Void,
    watcher: (@Sendable (CaptureFinding) -> Void)?, service: ((WorkerDesk) -> any StreamService)?
  ) throws(SystemError) {
    self.keepsTraces = keepsTraces
    self.handle = handle
    self.capture = capture
    self.records = records
    self.times = times
    self.activate = activate
    self.watcher = watcher
    home = try NetworkNamespace.current()
    poller = try Poller()
    try poller.add(handle.wakeUp.descriptor, .readable, token: 0)
    self.service = service?(WorkerDesk(self))
  }

  func run() {
    var batch = PollEvents(capacity: 512)
    while !isStopped {
      let next = Self.earlier(Self.earlier(deadlines.earliest, serviceDeadline), untold.deadline)
      let timeout = postponed.isEmpty ? next.map { $0 - Clock.now() } : .milliseconds(0)
      do throws(SystemError) {
        try poller.wait(into: &batch, timeout: timeout)
      } catch {
        preconditionFailure("our own poller failed: \(error)")
      }
      now = Clock.now()
      wall = Self.wallSeconds()
      ticks += 1
      for index in 0..<batch.count {
        let (token, readiness) = batch[index]
        if token == 0 { takeCommands() } else { targets[token]?.ready(readiness) }
      }
      while let token = deadlines.pop(before: now) { targets[token]?.deadlinePassed() }
      for token in untold.take(at: now) { (targets[token] as? Connection)?.tellOpenedNow() }
      if let due = serviceDeadline, due <= now {
        serviceDeadline = nil
        service?.advance(to: now)
      }
      flush()
      let answers = withdrawn
      withdrawn = []
      for answer in answers { answer() }
    }
    for uid in Array(pods.keys) { withdraw(uid) }
  }

  // MARK: Targets

  func register(_ make: (UInt64) -> any PollTarget) { _ = targets.insert(make) }

  /// `descriptor`: nil when it is not watched any more.
  func retire(_ token: UInt64, _ descriptor: Int32?) {
    if let descriptor { poller.remove(descriptor) }
    targets.remove(token)
  }

  func watch(_ descriptor: Int32, _ interest: Readiness, token: UInt64) throws(SystemError) {
    try poller.add(descriptor, interest, token: token)
  }

  func rewatch(_ descriptor: Int32, _ interest: Readiness, token: UInt64) {
    // The descriptor is registered and open for as long as its target lives.
    do throws(SystemError) {
      try poller.change(descriptor, interest, token: token)
    } catch {
      preconditionFailure("a live descriptor left the poller: \(error)")
    }
  }

  /// Stops watching a descriptor whose target lives on.
  func ignore(_ descriptor: Int32) { poller.remove(descriptor) }

  /// Without an array: it is asked in every tick.
  private static func earlier(_ one: Instant?, _ other: Instant?) -> Instant? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
  }

  func tellLater(_ connection: Connection) { untold.add(connection.token, at: now) }

  func wake(_ token: UInt64, at deadline: Instant) { deadlines.add(deadline, token: token) }

  private static func wallSeconds() -> Int64 { Clock.wall() / 1_000_000_000 }

  // MARK: Flushing

  /// The tunnel has frames or ciphertext to send at the end of the tick.
  func mark(_ tunnel: Tunnel) {
    guard !tunnel.isMarked else { return }
    tunnel.isMarked = true
    dirty.append(tunnel)
  }

  /// The tunnel has more to send than it may in one tick.
  func postpone(_ tunnel: Tunnel) { postponed.append(tunnel) }

  private func flush() {
    for tunnel in postponed { mark(tunnel) }
    postponed.removeAll(keepingCapacity: true)
    var index = 0
    // Flushing may mark tunnels again (credit returned by a failed stream); those are done in the same tick.
    while index < dirty.count {
      let tunnel = dirty[index]
      tunnel.isMarked = false
      tunnel.flush()
      index += 1
    }
    dirty.removeAll(keepingCapacity: true)
    guard !settling.isEmpty else { return }
    let told = settling
    settling.removeAll(keepingCapacity: true)
    for pipe in told {
      pipe.isMarked = false
      pipe.settle()
    }
    // What that brought leaves in this tick too: bytes only move on, so this ends.
    flush()
  }

  /// The pipe's owner is told what has left, when nothing is being flushed.
  func settle(_ pipe: any SettlingPipe) {
    guard !pipe.isMarked else { return }
    pipe.isMarked = true
    settling.append(pipe)
  }

  func wakeService(at deadline: Instant) {
    serviceDeadline = serviceDeadline.map { min($0, deadline) } ?? deadline
  }

  /// A connection waits for a waypoint that does not run, or does not answer.
  func demand(_ waypoint: ServiceKey) {
    if let last = demanded[waypoint], now - last < Limits.demandPause { return }
    demanded = demanded.filter { now - $0.value < Limits.demandPause }
    demanded[waypoint] = now
    activate(waypoint)
  }

  // MARK: Commands

  private func takeCommands() {
    for command in handle.take() {
      switch command {
      case .mesh(let snapshot): adopt(snapshot)
      case .credentials(let identity, let tls): adopt(tls, of: identity)
      case .forget(let identity): forget(identity)
      case .enroll(let facts, let done): done(enroll(facts))
      case .withdraw(let uid, let done):
        withdraw(uid)
        withdrawn.append(done)
      case .drain: drain()
      case .stop: isStopped = true
      case .perform(let work): if let service { work(service) }
      case .report(let reply): reply(report())
      case .flows(let reply): reply(flows())
      case .connections(let reply): reply(connections())
      case .tunnels(let reply):
        reply(pods.values.lazy.flatMap(\.allTunnels).prefix(TunnelReport.limit).map(TunnelReport.init))
      }
    }
  }

  private func adopt(_ snapshot: MeshSnapshot) {
    let policiesChanged = mesh.policyRevision != snapshot.policyRevision
    mesh = snapshot
    service?.adopt(snapshot)
    for pod in pods.values {
      pod.forgetMesh()
      if policiesChanged, pod.bindingChanged(in: snapshot) {
        judgements += UInt64(pod.judged.count)
        for connection in Array(pod.judged.values) { connection.judgeAgain() }
      }
      for connection in Array(pod.waiting.values) { connection.meshChanged() }
    }
  }

  /// Nobody speaks under the identity any more: what it opened and what it was called by ends with its key.
  private func forget(_ identity: Identity) {
    credentials[identity] = nil
    for pod in pods.values where pod.facts.identity == identity {
      for listener in pod.listeners { listener.credentialsChanged() }
      let words = "the pod's identity is no longer held here"
      endTunnels(of: pod, .ended(words))
      for connection in Array(pod.connections.values) where connection.awaitsSuccessor {
        connection.abort(.failed(words))
      }
    }
  }

  private func adopt(_ tls: WorkloadTLS, of identity: Identity) {
    let former = credentials.updateValue(tls, forKey: identity)
    let hasLostTrust = former.map { tls.hasLostTrust(of: $0) } ?? false
    for pod in pods.values where pod.facts.identity == identity {
      for listener in pod.listeners { listener.credentialsChanged() }
      for tunnel in pod.allTunnels where tunnel.generation != tls.generation {
        tunnel.drain()
        if hasLostTrust { tunnel.judgeTrust(by: tls) }
      }
      for connection in Array(pod.waiting.values) { connection.credentialsChanged() }
    }
  }

  private func enroll(_ facts: PodFacts) -> SystemError? {
    withdraw(facts.uid)
    let pod = EnrolledPod(facts, at: now)
    pods[facts.uid] = pod
    for listening in facts.sockets.listening {
      do throws(SystemError) {
        try CaptureListener.open(listening, for: pod, on: self)
      } catch {
        withdraw(facts.uid)
        return error
      }
    }
    if let watcher { pod.captureCheck = CaptureCheck.begin(pod, on: self, watcher) }
    return nil
  }

  private func withdraw(_ uid: String) {
    guard let pod = pods.removeValue(forKey: uid) else { return }
    pod.isWithdrawn = true
    endCaptureCheck(of: pod)
    for listener in pod.listeners { listener.close() }
    pod.listeners = []
    for connection in Array(pod.connections.values) { connection.abort(.failed("the pod is gone")) }
    for pipe in Array(pod.plainPipes.values) { pipe.end("the pod is gone") }
    endTunnels(of: pod, .ended("the pod is gone"))
  }

  private func endCaptureCheck(of pod: EnrolledPod) {
    pod.captureCheck?.end()
    pod.captureCheck = nil
  }

  private func endTunnels(of pod: EnrolledPod, _ reason: Tunnel.End) {
    for tunnel in pod.allTunnels { tunnel.end(reason) }
  }

  private func drain() {
    isDraining = true
    service?.drain()
    for pod in pods.values {
      endCaptureCheck(of: pod)
      for listener in pod.listeners { listener.close() }
      pod.listeners = []
      for tunnel in pod.served.values { tunnel.drain() }
      for tunnel in Array(pod.tunnels.values.joined()) { tunnel.drain() }
    }
  }

  /// The live connections that policy has allowed, by caller; nothing is kept of them but when asked.
  private func flows() -> FlowTable {
    var table = FlowTable()
    let seconds = Clock.wall() / 1_000_000_000
    for connection in pods.values.flatMap(\.connections.values) where connection.judgement != nil {
      guard let journal = connection.journal, let key = journal.flow else { continue }
      table.update(key) {
        $0.add(
          .allowed, at: seconds, from: journal.source.address?.ip, to: journal.destination.address?.ip)
      }
    }
    return table
  }

  private func connections() -> [ConnectionReport] {
    let live = pods.values.lazy.flatMap(\.connections.values)
      .compactMap { [now] in ConnectionReport($0, at: now) }
    return Array(live.prefix(ConnectionReport.limit))
  }

  private func report() -> WorkerReport {
    var report = WorkerReport()
    for pod in pods.values {
      report.pods += 1
      report.connections += pod.connections.count + pod.plainPipes.count
      report.clientTunnels += pod.tunnels.values.reduce(0) { $0 + $1.count }
      report.servedTunnels += pod.served.count - pod.handshakes.count
      report.handshakes += pod.handshakes.count
      report.waiting += pod.waiting.count
      for tunnels in pod.tunnels.values { report.streams += tunnels.reduce(0) { $0 + $1.openStreams } }
      report.streams += pod.served.values.reduce(0) { $0 + $1.openStreams }
    }
    report.turnedAway = turnedAway
    report.tunnelCounts = tunnelCounts
    report.judgements = judgements
    report.captureChecks = captureChecks
    report.largestFlush = largestFlush
    report.backlogBytes = backlog
    report.keptBytes = keptRequests.bytes
    report.ticks = ticks
    return report
  }
}
