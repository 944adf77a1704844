public import Bytes
public import Logging
public import MeshModel
public import Reactor
import Synchronization

/// Sends spans to a collector: OTLP over HTTP, protobuf. Whoever leaves a span never waits; what has no room,
/// or what the collector does not take in time, is dropped and counted.
public final class SpanExporter: Sendable {
  /// Posts one message to the collector.
  public typealias Send = @Sendable (_ message: [UInt8]) async -> ExportAnswer

  /// Spans that may wait; a span takes about 1 KiB.
  public static let maximumWaiting = 8_192
  /// Spans of one message.
  public static let batch = 512
  /// How long spans gather for one message.
  public static var pause: Interval { .seconds(1) }

  private struct State {
    var waiting: [Span] = []
    /// Taken for a message that is not answered yet.
    var underWay = 0
    var counts = Counts()
  }

  struct Counts: Hashable {
    var sent: UInt64 = 0
    /// No room.
    var dropped: UInt64 = 0
    /// Given up, or rejected by the collector.
    var refused: UInt64 = 0
    var retries: UInt64 = 0
  }

  private let process: [(key: String, value: String)]
  private let environment: [String: String]
  private let resource: SpanResource?
  private let log: Logger
  private let state = Mutex(State())
  private let bell: WakeUp

  /// `process`: attributes of every span's resource, by the conventions of OpenTelemetry. `party`: who tells
  /// of requests; connections are told by the workload at their end. Registers its metrics.
  public init(
    process: [(key: String, value: String)], party: ConnectionRecord.Party? = nil, registry: MetricRegistry,
    log: Logger
  ) throws(SystemError) {
    self.process = process
    self.log = log
    resource = party.map { SpanResource($0) }
    environment = Self.variables()
    bell = try WakeUp()
    registry.add { [self] in write(into: &$0) }
  }

  /// Leaves the span of a connection that is kept.
  func take(_ record: ConnectionRecord, _ tracing: Tracing) {
    Span(record, tracing, environment, by: resource).map(leave)
  }

  /// Leaves the span of a request that is kept.
  func take(_ record: RequestRecord, _ tracing: Tracing) {
    let own = resource ?? SpanResource(service: "unknown", namespace: "")
    Span(record, tracing, environment, by: own).map(leave)
  }

  /// Leaves a span of the process itself, a trace of its own. Times are wall times, in nanoseconds since
  /// 1970; `problem`: why it failed, in words.
  public func leave(
    _ name: String, from start: Int64, to end: Int64, _ attributes: [(key: String, number: Int64)],
    problem: String? = nil
  ) {
    var random = SystemRandomNumberGenerator()
    let mark = SpanMark(
      traceHigh: random.next(), traceLow: .random(in: 1...UInt64.max, using: &random),
      span: .random(in: 1...UInt64.max, using: &random), parent: 0)
    var span = Span(
      mark: mark, name: name, kind: .internal, start: start, end: end,
      resource: resource ?? SpanResource(service: "unknown", namespace: ""))
    for (key, number) in attributes { span.add(key, number) }
    span.isError = problem != nil
    span.message = problem ?? ""
    leave(span)
  }

  func leave(_ span: Span) {
    let isFirst = state.withLock { state in
      guard state.waiting.count < Self.maximumWaiting else {
        state.counts.dropped += 1
        return false
      }
      state.waiting.append(span)
      return state.waiting.count == 1
    }
    if isFirst { bell.signal() }
  }

  /// Sends until the task is cancelled.
  public func run(on thread: ReactorThread, _ send: Send) async {
    var random = SystemRandomNumberGenerator()
    while !Task.isCancelled {
      do throws(SystemError) {
        _ = try await thread.ready(bell.descriptor, for: .readable)
        bell.clear()
        try await thread.sleep(for: Self.pause)
        while let spans = next() {
          try await deliver(spans, on: thread, using: &random, send)
        }
      } catch {
        return
      }
    }
  }

  /// Sends what waits, once: for the end of the process.
  public func flush(_ send: Send) async {
    while let spans = next() {
      var random = SystemRandomNumberGenerator()
      var pace = ExportPace()
      let answer = await send(SpanMessage.encode(spans, process: process))
      guard settle(pace.take(answer, using: &random), spans.count) == nil else {
        return state.withLock { $0.counts.refused += UInt64(spans.count) }
      }
    }
  }

  private func deliver(
    _ spans: [Span], on thread: ReactorThread, using random: inout SystemRandomNumberGenerator, _ send: Send
  ) async throws(SystemError) {
    let message = SpanMessage.encode(spans, process: process)
    var pace = ExportPace()
    while let pause = settle(pace.take(await send(message), using: &random), spans.count) {
      state.withLock { $0.counts.retries += 1 }
      try await thread.sleep(for: pause)
    }
  }

  private func next() -> [Span]? {
    state.withLock { state in
      guard !state.waiting.isEmpty else { return nil }
      let spans = Array(state.waiting.prefix(Self.batch))
      state.waiting.removeFirst(spans.count)
      state.underWay = spans.count
      return spans
    }
  }

  /// Counts what became of a message; the pause after which it is sent again.
  private func settle(_ step: ExportPace.Step, _ count: Int) -> Interval? {
    let isNews = state.withLock { state -> Bool in
      switch step {
      case .done(let rejected):
        state.counts.refused += min(rejected, UInt64(count))
        state.counts.sent += UInt64(count) - min(rejected, UInt64(count))
        state.underWay = 0
        return rejected > 0
      case .giveUp:
        state.counts.refused += UInt64(count)
        state.underWay = 0
        return true
      case .again: return false
      }
    }
    switch step {
    case .again(let pause): return pause
    case .done(let rejected):
      if isNews { log.warning("the collector rejects spans", metadata: ["count": "\(rejected)"]) }
    case .giveUp(let why):
      log.warning("spans are lost", metadata: ["count": "\(count)", "error": "\(why)"])
    }
    return nil
  }

  var counts: Counts { state.withLock { $0.counts } }

  private func write(into text: inout MetricsText) {
    let (counts, waiting) = state.withLock { ($0.counts, $0.waiting.count + $0.underWay) }
    text.begin("apus_spans_total", .counter, help: "Spans, by what became of them.")
    text.sample(counts.sent, [("outcome", "sent")])
    text.sample(counts.dropped, [("outcome", "dropped")])
    text.sample(counts.refused, [("outcome", "refused")])
    text.begin("apus_span_retries_total", .counter, help: "Messages with spans that were sent again.")
    text.sample(counts.retries)
    text.begin("apus_spans_waiting", .gauge, help: "Spans that wait for the collector.")
    text.sample(UInt64(waiting))
  }

  /// The process's environment, as it was at its start.
  private static func variables() -> [String: String] {
    guard let text = try? Files.text("/proc/self/environ") else { return [:] }
    let pairs = text.split(separator: "\0").map { $0.split(separator: "=", maxSplits: 1) }
    return Dictionary(
      pairs.filter { $0.count == 2 }.map { (String($0[0]), String($0[1])) }, uniquingKeysWith: { $1 })
  }
}
