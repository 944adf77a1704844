import Glibc
public import Bytes
import Synchronization

/// A thread with a poller that is also a Swift executor: logic that waits (watches, renewals, RPC) runs here,
/// apart from the workers of the data path. Give it to `Task(executorPreference:)` or return it as an actor's
/// `unownedExecutor`.
///
/// It runs for the life of the process.
public final class ReactorThread: TaskExecutor, SerialExecutor, Sendable {
  private struct State {
    var jobs: [UnownedJob] = []
    var watches: [Int32: Watch] = [:]
    var sleepers: [UInt64: CheckedContinuation<Bool, Never>] = [:]
    var cancelled: Set<UInt64> = []
    var deadlines = Deadlines()
    var lastToken: UInt64 = 0
    var lastArming: UInt32 = 0
    /// The thread looks at all of this before it waits again: nobody has to wake it.
    var isAwake = true
  }

  /// All tasks that wait for one descriptor.
  private struct Watch {
    /// Of the last arming; an event of an earlier one is of the past, perhaps of another file under the same
    /// number.
    var arming: UInt32
    var waiters: [Waiter] = []

    var interest: Readiness { waiters.reduce(into: .once) { $0.formUnion($1.interest) } }
  }

  private struct Waiter {
    let token: UInt64
    let interest: Readiness
    let continuation: CheckedContinuation<Readiness, Never>
  }

  private let poller: Poller
  private let wakeUp: WakeUp
  private let state = Mutex(State())

  public init(name: String) throws(SystemError) {
    poller = try Poller()
    wakeUp = try WakeUp()
    try poller.add(wakeUp.descriptor, .readable, token: 0)
    WorkerThread.start(name) { self.run() }
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let isFirst = state.withLock { state in
      state.jobs.append(job)
      return state.jobs.count == 1 && !state.isAwake
    }
    if isFirst { wakeUp.signal() }
  }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  /// For an actor's `unownedExecutor`: the thread outlives every actor, so nobody has to keep it alive.
  @safe public var executor: UnownedSerialExecutor { unsafe UnownedSerialExecutor(ordinary: self) }

  /// Jobs that lead to jobs run so many times before descriptors and deadlines are looked at again.
  private static let roundsBetweenPolls = 16

  private func run() -> Never {
    var events = PollEvents()
    while true {
      let (busy, earliest) = state.withLock { state in
        state.isAwake = !state.jobs.isEmpty
        return (state.isAwake, state.deadlines.earliest)
      }
      let timeout = busy ? Interval(nanoseconds: 0) : earliest.map { $0 - Clock.now() }
      // The poller is ours and valid: epoll_wait has no error left to give but EINTR.
      do throws(SystemError) {
        try poller.wait(into: &events, timeout: timeout)
      } catch {
        preconditionFailure("our own poller failed: \(error)")
      }
      state.withLock { $0.isAwake = true }
      for index in 0..<events.count {
        let (token, readiness) = events[index]
        if token == 0 {
          wakeUp.clear()
        } else {
          for waiter in takeWaiters(token, readiness) { waiter.resume(returning: readiness) }
        }
      }
      wakeSleepers()
      var rounds = 0
      while rounds < Self.roundsBetweenPolls, runJobs() { rounds += 1 }
    }
  }

  /// Runs what is there to run; false when there was nothing.
  private func runJobs() -> Bool {
    let jobs = state.withLock { state in
      defer { state.jobs.removeAll(keepingCapacity: true) }
      return state.jobs
    }
    for job in jobs {
      unsafe job.runSynchronously(
        isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
    }
    return !jobs.isEmpty
  }

  private func wakeSleepers() {
    let now = Clock.now()
    while let sleeper = state.withLock({ state -> CheckedContinuation<Bool, Never>?? in
      guard let token = state.deadlines.pop(before: now) else { return nil }
      return .some(state.sleepers.removeValue(forKey: token))
    }) {
      sleeper?.resume(returning: true)
    }
  }

  private func token() -> UInt64 {
    state.withLock { state in
      state.lastToken += 1
      return state.lastToken
    }
  }

  // MARK: Descriptors

  /// Somebody waits for the descriptor.
  func isWatched(_ descriptor: Int32) -> Bool { state.withLock { $0.watches[descriptor] != nil } }

  /// Whom an event concerns; the others are watched on.
  func takeWaiters(_ token: UInt64, _ readiness: Readiness) -> [CheckedContinuation<Readiness, Never>] {
    let descriptor = Int32(truncatingIfNeeded: token & 0xffff_ffff)
    return state.withLock { state in
      // An event of an earlier arming must leave the watch as it is: its waiters wait for the next one.
      guard var watch = state.watches[descriptor], watch.arming == UInt32(token >> 32) else { return [] }
      state.watches[descriptor] = nil
      let always: Readiness = [.hangUp, .failed]
      let isMeant = { (waiter: Waiter) in !readiness.isDisjoint(with: waiter.interest.union(always)) }
      let woken = watch.waiters.filter(isMeant)
      watch.waiters.removeAll(where: isMeant)
      if !watch.waiters.isEmpty { rearm(descriptor, watch, &state) }
      return woken.map(\.continuation)
    }
  }

  /// Watches for what the waiters want; a descriptor that cannot be watched wakes them as failed.
  private func rearm(_ descriptor: Int32, _ watch: Watch, _ state: inout State) {
    var watch = watch
    state.lastArming = state.lastArming == .max ? 1 : state.lastArming + 1
    watch.arming = state.lastArming
    let token = UInt64(watch.arming) << 32 | UInt64(UInt32(bitPattern: descriptor))
    do throws(SystemError) {
      do throws(SystemError) {
        try poller.change(descriptor, watch.interest, token: token)
      } catch {
        guard error.isMissing else { throw error }
        try poller.add(descriptor, watch.interest, token: token)
      }
      state.watches[descriptor] = watch
    } catch {
      for waiter in watch.waiters { waiter.continuation.resume(returning: .failed) }
    }
  }

  /// Waits until the descriptor is ready or the task is cancelled. Any number of tasks may wait for one
  /// descriptor; the descriptor stays open until they are woken.
  public func ready(_ descriptor: Int32, for interest: Readiness) async throws(SystemError) -> Readiness {
    let token = self.token()
    let readiness = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isCancelled = state.withLock { state in
          guard state.cancelled.remove(token) == nil else { return true }
          var watch = state.watches[descriptor] ?? Watch(arming: 0)
          watch.waiters.append(Waiter(token: token, interest: interest, continuation: continuation))
          rearm(descriptor, watch, &state)
          return false
        }
        if isCancelled { continuation.resume(returning: Readiness()) }
      }
    } onCancel: {
      let waiter = state.withLock { state -> CheckedContinuation<Readiness, Never>? in
        guard let index = state.watches[descriptor]?.waiters.firstIndex(where: { $0.token == token }) else {
          state.cancelled.insert(token)
          return nil
        }
        let waiter = state.watches[descriptor]?.waiters.remove(at: index)
        if state.watches[descriptor]?.waiters.isEmpty == true {
          state.watches[descriptor] = nil
          poller.remove(descriptor)
        }
        return waiter?.continuation
      }
      waiter?.resume(returning: Readiness())
    }
    state.withLock { _ = $0.cancelled.remove(token) }
    guard readiness != Readiness() else { throw .cancelled }
    return readiness
  }

  /// Sleeps for a while; throws `.cancelled` as soon as the task is cancelled.
  public func sleep(for interval: Interval) async throws(SystemError) {
    let token = self.token()
    let slept = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let (isKnown, isAwake) = state.withLock { state in
          guard state.cancelled.remove(token) == nil else { return (false, true) }
          state.sleepers[token] = continuation
          state.deadlines.add(Clock.now() + interval, token: token)
          return (true, state.isAwake)
        }
        if !isAwake { wakeUp.signal() }
        if !isKnown { continuation.resume(returning: false) }
      }
    } onCancel: {
      let sleeper = state.withLock { state -> CheckedContinuation<Bool, Never>? in
        if let sleeper = state.sleepers.removeValue(forKey: token) { return sleeper }
        state.cancelled.insert(token)
        return nil
      }
      sleeper?.resume(returning: false)
    }
    state.withLock { _ = $0.cancelled.remove(token) }
    guard slept else { throw .cancelled }
  }
}
