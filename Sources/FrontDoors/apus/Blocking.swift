import DevKit
import Foundation
import Synchronization

/// Lets a command that is not asynchronous wait for work that is. The main thread does nothing else
/// meanwhile.
enum Blocking {
  static func run<Value: Sendable>(
    _ work: @escaping @Sendable () async throws(DevError) -> Value
  ) throws(DevError) -> Value {
    let done = DispatchSemaphore(value: 0)
    let outcome = Outcome<Value>()
    Task {
      do throws(DevError) {
        let value = try await work()
        outcome.result.withLock { $0 = .success(value) }
      } catch {
        outcome.result.withLock { $0 = .failure(error) }
      }
      done.signal()
    }
    done.wait()
    guard let result = outcome.result.withLock({ $0 }) else {
      throw .failed("The work ended without a result.")
    }
    return try result.get()
  }

  private final class Outcome<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, DevError>?>(nil)
  }
}
