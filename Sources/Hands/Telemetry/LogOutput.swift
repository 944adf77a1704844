public import Bytes
import Logging
public import Reactor
import Synchronization

/// The log's queue and the one thread that empties it. Whoever logs never waits: when the reader of the log
/// is slower than the program, lines are dropped, counted, and the gap is told in the log itself.
public final class LogOutput: Sendable {
  private struct State {
    var lines: [[UInt8]] = []
    var bytes = 0
    var untold = 0
    var dropped: UInt64 = 0
    var isWriting = false
    var isFlushing = false
  }

  /// Lines and bytes that may wait. A line is about 300 bytes.
  public static let maximumLines = 10_000
  public static let maximumBytes = 4 << 20

  public let levels: LogLevels
  private let format: LogFormat
  private let file: Descriptor
  private let state = Mutex(State())
  private let filled: WakeUp
  private let emptied: WakeUp

  /// Takes the descriptor over and starts the thread, which lives as long as the process.
  public init(
    to file: consuming Descriptor, format: LogFormat, levels: LogLevels = LogLevels()
  ) throws(SystemError) {
    self.file = file
    self.format = format
    self.levels = levels
    filled = try WakeUp()
    emptied = try WakeUp()
    let poller = try Poller()
    try poller.add(filled.descriptor, .readable, token: 0)
    let waiting = Waiting(poller: poller)
    WorkerThread.start("log") { self.drain(waiting) }
  }

  /// Queues a line, whatever its level.
  public func write(_ line: LogLine) {
    let bytes = line.encode(format)
    let isFirst = state.withLock { state in
      guard state.lines.count < Self.maximumLines, state.bytes + bytes.count <= Self.maximumBytes else {
        state.untold += 1
        state.dropped += 1
        return false
      }
      state.lines.append(bytes)
      state.bytes += bytes.count
      return state.lines.count == 1
    }
    if isFirst { filled.signal() }
  }

  /// Lines dropped since the start.
  public var dropped: UInt64 { state.withLock { $0.dropped } }

  /// Waits until everything queued has been written, but not longer than `limit`: for the end of the
  /// process, from one thread.
  public func flush(within limit: Interval = .seconds(1)) {
    let isEmpty = state.withLock { state in
      state.isFlushing = true
      return state.lines.isEmpty && !state.isWriting
    }
    guard !isEmpty else { return }
    let deadline = Clock.now() + limit
    var events = PollEvents(capacity: 1)
    do throws(SystemError) {
      let poller = try Poller()
      try poller.add(emptied.descriptor, .readable, token: 0)
      while events.count == 0, Clock.now() < deadline {
        try poller.wait(into: &events, timeout: deadline - Clock.now())
      }
    } catch {
      // Out of descriptors: the process ends without its last lines.
    }
  }

  // MARK: The thread

  private final class Waiting: Sendable {
    let poller: Poller
    init(poller: consuming Poller) { self.poller = poller }
  }

  private func drain(_ waiting: Waiting) {
    var events = PollEvents(capacity: 1)
    while true {
      do throws(SystemError) {
        try waiting.poller.wait(into: &events, timeout: nil)
      } catch {
        preconditionFailure("our own poller failed: \(error)")
      }
      filled.clear()
      while let batch = take() { put(batch) }
    }
  }

  /// Everything that waits, as one write; nil when nothing does.
  private func take() -> [UInt8]? {
    let (lines, untold) = state.withLock { state -> ([[UInt8]], Int) in
      defer {
        state.lines = []
        state.bytes = 0
        state.untold = 0
      }
      state.isWriting = !state.lines.isEmpty
      if !state.isWriting, state.isFlushing { emptied.signal() }
      return (state.lines, state.untold)
    }
    guard !lines.isEmpty else { return nil }
    var bytes = Array(lines.joined())
    if untold > 0 {
      bytes += LogLine(
        time: Clock.wall(), level: .warning, scope: "log", message: "lines were dropped",
        fields: [("count", "\(untold)")]
      ).encode(format)
    }
    return bytes
  }

  private func put(_ bytes: [UInt8]) {
    var written = 0
    while written < bytes.count {
      do throws(SystemError) {
        written += try file.write(bytes.span.extracting(written...))
      } catch {
        guard error.isBusy else { return lose(bytes[written...]) }
        // Somebody made the shared descriptor non-blocking: wait as if it were not.
        waitUntilWritable()
      }
    }
  }

  private func waitUntilWritable() {
    var events = PollEvents(capacity: 1)
    do throws(SystemError) {
      let poller = try Poller()
      try poller.add(file.number, .writable, token: 0)
      try poller.wait(into: &events, timeout: .seconds(1))
    } catch {
      // The next write tells whether it works again.
    }
  }

  /// The reader is gone, or the disk is full: there is nobody to tell but the counter.
  private func lose(_ bytes: ArraySlice<UInt8>) {
    let lines = bytes.count { $0 == UInt8(ascii: "\n") }
    state.withLock { $0.dropped += UInt64(lines) }
  }
}

extension SystemError {
  /// EAGAIN.
  fileprivate var isBusy: Bool { code == 11 }
}

extension LogOutput {
  /// Adds the count of dropped lines to the page.
  public func register(in registry: MetricRegistry) {
    registry.add { [self] text in
      text.begin(
        "apus_log_lines_dropped_total", .counter, help: "Log lines lost: the log's reader is too slow.")
      text.sample(dropped)
    }
  }
}
