public import MeshIndex
public import MeshModel
public import Reactor
import Synchronization

/// What other threads may do to a worker: leave a command in its mailbox and wake it.
public final class WorkerHandle: Sendable {
  enum Command: Sendable {
    case mesh(MeshSnapshot)
    case credentials(Identity, WorkloadTLS)
    case forget(Identity)
    case enroll(PodFacts, @Sendable (SystemError?) -> Void)
    case withdraw(String, @Sendable () -> Void)
    case drain
    case stop
    case perform(@Sendable (any StreamService) -> Void)
    case report(@Sendable (WorkerReport) -> Void)
    case flows(@Sendable (FlowTable) -> Void)
    case tunnels(@Sendable ([TunnelReport]) -> Void)
    case connections(@Sendable ([ConnectionReport]) -> Void)
  }

  let wakeUp: WakeUp
  private let mailbox = Mutex<[Command]>([])

  private init() throws(SystemError) { wakeUp = try WakeUp() }

  /// Starts a worker on a thread of its own. With a `service`, which is made on that thread, it is a
  /// waypoint's: it serves one pod, itself. It calls `activate` on its thread, about once a second, while
  /// connections wait for that waypoint. `keepsTraces`: there is a collector of traces. With a `watcher` it
  /// looks at its pods' capture from inside, and tells, on its thread, when what it finds changes.
  public static func start(
    name: String, capture: any CaptureLookup, records: RecordQueue, times: TunnelTimes = TunnelTimes(),
    keepsTraces: Bool = false, activate: @escaping @Sendable (ServiceKey) -> Void,
    watcher: (@Sendable (CaptureFinding) -> Void)? = nil,
    service: (@Sendable (WorkerDesk) -> any StreamService)? = nil
  ) throws(SystemError) -> WorkerHandle {
    let handle = try WorkerHandle()
    WorkerThread.start(name) {
      do throws(SystemError) {
        try Worker(
          handle, capture: capture, records: records, times: times, keepsTraces: keepsTraces,
          activate: activate, watcher: watcher, service: service
        ).run()
      } catch {
        preconditionFailure("a worker cannot start: \(error)")
      }
    }
    return handle
  }

  /// The mesh has changed. Only the newest of several waiting snapshots is taken.
  public func publish(_ mesh: MeshSnapshot) {
    send(.mesh(mesh)) { if case .mesh = $0 { true } else { false } }
  }

  /// The identity's certificate or roots have changed: new tunnels use them, older tunnels are drained.
  public func publish(_ tls: WorkloadTLS, for identity: Identity) { send(.credentials(identity, tls)) }

  /// No pod speaks under the identity any more: its key is dropped, and with it the tunnels of a pod that
  /// still has it. Peers of such a pod wait in its backlog.
  public func forget(_ identity: Identity) { send(.forget(identity)) }

  /// Serves a pod; nil once every listener is being accepted on, else what failed, and then nothing is
  /// served.
  public func enroll(_ facts: PodFacts) async -> SystemError? {
    await withCheckedContinuation { continuation in
      send(.enroll(facts) { continuation.resume(returning: $0) })
    }
  }

  /// Ends a pod's connections and closes its sockets.
  public func withdraw(uid: String) async {
    await withCheckedContinuation { continuation in
      send(.withdraw(uid) { continuation.resume() })
    }
  }

  /// Stops accepting and ends tunnels gracefully; connections go on.
  public func drain() { send(.drain) }

  public func stop() { send(.stop) }

  /// Has a waypoint's service do something on the worker's thread.
  public func perform(_ work: @escaping @Sendable (any StreamService) -> Void) { send(.perform(work)) }

  public func report() async -> WorkerReport {
    await withCheckedContinuation { continuation in
      send(.report { continuation.resume(returning: $0) })
    }
  }

  /// The inbound connections that live, and so have left no record.
  public func flows() async -> FlowTable {
    await withCheckedContinuation { continuation in
      send(.flows { continuation.resume(returning: $0) })
    }
  }

  /// The worker's tunnels, up to `TunnelReport.limit` of them.
  public func tunnels() async -> [TunnelReport] {
    await withCheckedContinuation { continuation in
      send(.tunnels { continuation.resume(returning: $0) })
    }
  }

  /// The worker's connections, up to `ConnectionReport.limit` of them.
  public func connections() async -> [ConnectionReport] {
    await withCheckedContinuation { continuation in
      send(.connections { continuation.resume(returning: $0) })
    }
  }

  private func send(_ command: Command, replacing isOlder: ((Command) -> Bool)? = nil) {
    mailbox.withLock { commands in
      if let isOlder { commands.removeAll(where: isOlder) }
      commands.append(command)
    }
    wakeUp.signal()
  }

  func take() -> [Command] {
    wakeUp.clear()
    return mailbox.withLock { commands in
      defer { commands = [] }
      return commands
    }
  }
}

/// What a worker holds at one moment.
public struct WorkerReport: Sendable {
  public var pods = 0
  public var connections = 0
  public var clientTunnels = 0
  /// Of peers that have proved their identity.
  public var servedTunnels = 0
  /// Of peers that have not yet.
  public var handshakes = 0
  /// Connections that wait for the mesh, for credentials or for a tunnel.
  public var waiting = 0
  /// Streams of all tunnels that are not closed on both sides.
  public var streams = 0
  public var backlogBytes = 0
  /// Of requests, for the case that a waypoint dies under them.
  public var keptBytes = 0
  /// How often the worker has woken since its start.
  public var ticks: UInt64 = 0
  /// What became of tunnels since the worker's start.
  public var tunnelCounts = TunnelCounts()
  /// What met a limit since the worker's start.
  public var turnedAway = TurnedAway()
  /// How often a live connection was judged again because policy had changed, since the worker's start.
  public var judgements: UInt64 = 0
  /// How often a look at a pod's capture from inside has found that it holds, since the worker's start.
  public var captureChecks: UInt64 = 0
  /// The most ciphertext that one tunnel sent in one tick, in bytes.
  public var largestFlush = 0

  public init() {}
}
