import Synchronization

/// Wakes the one task that waits for something to do. A ring while nobody waits is kept; several are one.
final class Bell: Sendable {
  private struct State {
    var isRung = false
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  func ring() {
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      defer { state.waiter = nil }
      if state.waiter == nil { state.isRung = true }
      return state.waiter
    }
    waiter?.resume()
  }

  /// Returns after the next ring, or at once when there was one since the last return.
  func rung() async {
    await withCheckedContinuation { continuation in
      let isRung = state.withLock { state in
        defer { state.isRung = false }
        if !state.isRung { state.waiter = continuation }
        return state.isRung
      }
      if isRung { continuation.resume() }
    }
  }
}
