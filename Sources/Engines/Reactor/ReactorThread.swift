import Glibc
public import Bytes
import Synchronization

/// A thread with a poller that is also a Swift executor: logic that waits (watches, renewals, RPC) runs here, apart from the
/// workers of the data path. Give it to `Task(executorPreference:)` or return it as an actor's `unownedExecutor`.
///
/// It runs for the life of the process.
public final class ReactorThread: TaskExecutor, SerialExecutor, Sendable {
  private struct State {
    var jobs: [UnownedJob] = []
    var waiters: [UInt64: CheckedContinuation<Readiness, Never>] = [:]
    var sleepers: [UInt64: CheckedContinuation<Bool, Never>] = [:]
    var cancelled: Set<UInt64> = []
    var deadlines = Deadlines()
    var lastToken: UInt64 = 0
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
    let first = state.withLock { state in
      state.jobs.append(job)
      return state.jobs.count == 1
    }
    if first { wakeUp.signal() }
  }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  private func run() -> Never {
    var events = PollEvents()
    while true {
      let (busy, earliest) = state.withLock { (!$0.jobs.isEmpty, $0.deadlines.earliest) }
      let timeout = busy ? Interval(nanoseconds: 0) : earliest.map { $0 - Clock.now() }
      // The poller is ours and valid: epoll_wait has no error left to give but EINTR.
      do throws(SystemError) {
        try poller.wait(into: &events, timeout: timeout)
      } catch {
        preconditionFailure("our own poller failed: \(error)")
      }
      for index in 0..<events.count {
        let (token, readiness) = events[index]
        if token == 0 {
          wakeUp.clear()
        } else {
          let waiter = state.withLock { $0.waiters.removeValue(forKey: token) }
          waiter?.resume(returning: readiness)
        }
      }
      wakeSleepers()
      for job in state.withLock({ state in
        defer { state.jobs.removeAll(keepingCapacity: true) }
        return state.jobs
      }) {
        unsafe job.runSynchronously(
          isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
      }
    }
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

  /// Waits until the descriptor is ready or the task is cancelled. One waiter per descriptor and moment: duplicate the
  /// descriptor to wait for reading and writing at once.
  public func ready(_ descriptor: Int32, for interest: Readiness) async throws(SystemError) -> Readiness {
    let token = self.token()
    let readiness = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let known = state.withLock { state in
          guard state.cancelled.remove(token) == nil else { return false }
          state.waiters[token] = continuation
          return true
        }
        guard known else { return continuation.resume(returning: Readiness()) }
        do throws(SystemError) {
          do throws(SystemError) {
            try poller.add(descriptor, interest.union(.once), token: token)
          } catch {
            guard error.exists else { throw error }
            try poller.change(descriptor, interest.union(.once), token: token)
          }
        } catch {
          state.withLock { $0.waiters.removeValue(forKey: token) }?.resume(returning: .failed)
        }
      }
    } onCancel: {
      let waiter = state.withLock { state -> CheckedContinuation<Readiness, Never>? in
        if let waiter = state.waiters.removeValue(forKey: token) { return waiter }
        state.cancelled.insert(token)
        return nil
      }
      waiter?.resume(returning: Readiness())
    }
    state.withLock { _ = $0.cancelled.remove(token) }
    guard readiness != Readiness() else {
      poller.remove(descriptor)
      throw .cancelled
    }
    return readiness
  }

  /// Sleeps for a while; throws `.cancelled` as soon as the task is cancelled.
  public func sleep(for interval: Interval) async throws(SystemError) {
    let token = self.token()
    let slept = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let known = state.withLock { state in
          guard state.cancelled.remove(token) == nil else { return false }
          state.sleepers[token] = continuation
          state.deadlines.add(Clock.now() + interval, token: token)
          return true
        }
        if known { wakeUp.signal() } else { continuation.resume(returning: false) }
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
