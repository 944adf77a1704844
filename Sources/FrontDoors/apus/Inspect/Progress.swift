import Bytes
import Reactor
import Synchronization

/// A line that turns on standard error while something takes longer than a second; only on a terminal, and
/// gone when it is done.
enum Progress {
  private static let patience = Interval.seconds(1)
  private static let step = Interval.milliseconds(100)
  private static let wheel: [Character] = Array("|/-\\")

  static func during<Value, Failure: Error>(
    _ what: String, _ work: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    guard Terminal.isTerminal(2), let thread = try? ReactorThread(name: "progress") else { return try work() }
    let line = Line()
    let turning = Task(executorPreference: thread) {
      try await thread.sleep(for: patience)
      var turns = 0
      while line.show("\(wheel[turns % wheel.count]) \(what)") {
        turns += 1
        try await thread.sleep(for: step)
      }
    }
    defer {
      turning.cancel()
      line.end()
    }
    return try work()
  }

  /// Never written after its end.
  private final class Line: Sendable {
    private let state = Mutex((isOver: false, isShown: false))

    func show(_ text: String) -> Bool {
      state.withLock { state in
        guard !state.isOver else { return false }
        state.isShown = true
        let width = Terminal.size(of: 2)?.columns ?? 80
        Output.errorText("\r\u{1b}[2K" + text.prefix(width - 1))
        return true
      }
    }

    func end() {
      state.withLock { state in
        state.isOver = true
        if state.isShown { Output.errorText("\r\u{1b}[2K") }
      }
    }
  }
}
