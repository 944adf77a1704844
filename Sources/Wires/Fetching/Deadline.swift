import Bytes
import Reactor
import Synchronization

/// An end to waiting.
enum Deadline {
  /// Runs `body` on the thread; when `limit` has passed, or the caller is cancelled, `body` is cancelled
  /// and the answer is that.
  static func within<Value: Sendable>(
    _ limit: Interval, on thread: ReactorThread, _ place: String,
    _ body: @escaping @Sendable () async throws(FetchError) -> Value
  ) async throws(FetchError) -> Value {
    let isPast = Flag()
    let work = Task(executorPreference: thread) { () async -> Result<Value, FetchError> in
      do throws(FetchError) { return .success(try await body()) } catch { return .failure(error) }
    }
    let guarding = Task(executorPreference: thread) {
      try await thread.sleep(for: limit)
      isPast.raise()
      work.cancel()
    }
    let result = await withTaskCancellationHandler {
      await work.value
    } onCancel: {
      work.cancel()
    }
    guarding.cancel()
    switch result {
    case .success(let value): return value
    case .failure(let error):
      guard isPast.isRaised else {
        throw Task.isCancelled ? FetchError(.time, at: place, "given up by the caller") : error
      }
      throw FetchError(.time, at: place, "\(limit.milliseconds) ms have passed (\(error.stage.rawValue))")
    }
  }

  private final class Flag: Sendable {
    private let value = Atomic(false)

    func raise() { value.store(true, ordering: .releasing) }
    var isRaised: Bool { value.load(ordering: .acquiring) }
  }
}
