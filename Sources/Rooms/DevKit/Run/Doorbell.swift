import Bytes
import Reactor
import Synchronization

/// Lets tasks wait until "something changed", and look then whether it is what they wait for.
///
/// Rings are counted: read `rings`, look, then wait for a ring since; one that came in between ends the wait
/// at once.
final class Doorbell: Sendable {
  private struct State {
    var rings: UInt64 = 0
    var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]
    var lastTicket: UInt64 = 0
  }

  private let state = Mutex(State())
  private let thread: ReactorThread

  init(on thread: ReactorThread) { self.thread = thread }

  var rings: UInt64 { state.withLock(\.rings) }

  func ring() {
    let waiting = state.withLock { state in
      state.rings += 1
      defer { state.waiting = [:] }
      return state.waiting
    }
    for continuation in waiting.values { continuation.resume(returning: true) }
  }

  /// True at the first ring after `seen`; false at the deadline, or when the task is cancelled.
  func rung(since seen: UInt64, before deadline: Instant? = nil) async -> Bool {
    let ticket = state.withLock { state in
      state.lastTicket += 1
      return state.lastTicket
    }
    let timer = deadline.map { deadline in
      Task { [thread] in
        try? await thread.sleep(for: deadline - Clock.now())
        self.giveUp(ticket)
      }
    }
    defer { timer?.cancel() }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer = state.withLock { state -> Bool? in
          if state.rings != seen { return true }
          if Task.isCancelled || deadline.map({ $0 <= Clock.now() }) == true { return false }
          state.waiting[ticket] = continuation
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      giveUp(ticket)
    }
  }

  private func giveUp(_ ticket: UInt64) {
    state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume(returning: false)
  }
}
