import Bytes
import Logging
import MeshModel
import Reactor
import Synchronization
import Testing

@testable import Telemetry

@Suite("Spans", .timeLimit(.minutes(1)))
struct TraceTests {
  static func connection(_ outcome: ConnectionRecord.Outcome = .complete) throws -> ConnectionRecord {
    var record = try RecordTests.record(outcome, sent: 5)
    record.trace = SpanMark(traceHigh: 1, traceLow: 2, span: 3, parent: 4)
    record.end = 1_600_000_000_000_000_000
    record.network = NetworkFigures(roundTrip: 120, retransmits: 2)
    return record
  }

  private static func value(_ key: String, of span: Span?) -> Span.Value? {
    span?.attributes.first { $0.key == key }?.value
  }

  @Test("a connection's span tells both ends, bytes, the network and why it ended")
  func connection() throws {
    var tracing = Tracing()
    tracing.tags = [
      TraceTag("stage", .literal("test")), TraceTag("home", .environment("HOME", nil)),
      TraceTag("none", .environment("NONE", nil)), TraceTag("usual", .header("x", "y")),
    ]
    let span = Span(try Self.connection(), tracing, ["HOME": "/root"])
    #expect(span?.kind == .client && span?.end == 1_600_000_000_000_000_000 && span?.isError == false)
    #expect(span.map { $0.end - $0.start } == 3_000_000)
    #expect(Self.value("apus.rtt_us", of: span) == .number(120))
    #expect(Self.value("apus.retransmits", of: span) == .number(2))
    #expect(Self.value("apus.bytes_received", of: span) == .number(10))
    #expect(Self.value("apus.close_reason", of: span) == .text("complete"))
    #expect(
      Self.value("apus.source.identity", of: span) == .text("spiffe://cluster.local/ns/shop/sa/client"))
    #expect(Self.value("stage", of: span) == .text("test") && Self.value("home", of: span) == .text("/root"))
    #expect(Self.value("none", of: span) == nil && Self.value("usual", of: span) == .text("y"))
    #expect(span?.resource.service == "client" && span?.resource.pod == "client-1")
    let denied = Span(try Self.connection(.refused(.noPolicyAllows, peer: true)), Tracing(), [:])
    #expect(denied?.isError == true && denied?.message == "no-policy-allows")
    var opened = try Self.connection()
    opened.phase = .opened
    #expect(Span(opened, tracing, [:]) == nil)
    #expect(Span(try RecordTests.record(), tracing, [:]) == nil)
  }

  @Test("a request's span has no query, and only a failure of the server is an error")
  func request() {
    var record = RequestMetricsTests.record(503)
    record.span = 7
    record.details = "no endpoint"
    let resource = SpanResource(service: "cart-waypoint", namespace: "shop")
    let span = Span(record, Tracing(), [:], by: resource)
    #expect(Self.value("url.path", of: span) == .text("/cart") && span?.isError == true)
    #expect(Self.value("network.protocol.version", of: span) == .text("2"))
    #expect(Self.value("error.type", of: span) == .text("503") && span?.message == "no endpoint")
    record.status = 404
    #expect(Span(record, Tracing(), [:], by: resource)?.isError == false)
    record.kind = .mirror
    #expect(Span(record, Tracing(), [:], by: resource) == nil)
    record.kind = .request
    record.span = 0
    #expect(Span(record, Tracing(), [:], by: resource) == nil)
  }

  @Test("a message is protobuf as OTLP has it")
  func message() throws {
    var span = Span(
      mark: SpanMark(traceHigh: 0x0102, traceLow: 0xff, span: 0x0a, parent: 0), name: "n", kind: .server,
      start: 1, end: 300, resource: SpanResource(service: "s", namespace: ""))
    span.attributes = [("k", .number(-1))]
    span.isError = true
    let bytes = SpanMessage.encode([span], process: [])
    let text = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    // Written by hand from the field numbers of opentelemetry-proto.
    let attribute = "0a016b" + "120b" + "18ffffffffffffffffff01"
    let body =
      "0a10" + "000000000000010200000000000000ff" + "1208" + "000000000000000a" + "2a016e" + "3002"
      + "390100000000000000" + "412c01000000000000" + "4a10" + attribute + "7a02" + "1802"
      + "850101000000"
    let scope = "0a06" + "0a0461707573" + "12" + hex(body.count / 2) + body
    let resource = "0a15" + "0a13" + "0a0c736572766963652e6e616d65" + "1203" + "0a0173"
    let group = resource + "12" + hex(scope.count / 2) + scope
    #expect(text == "0a" + hex(group.count / 2) + group)
  }

  /// Of a number below 128, which is one byte.
  private func hex(_ number: Int) -> String { (number < 16 ? "0" : "") + String(number, radix: 16) }

  @Test("what the collector says decides whether a message is sent again, and when")
  func pace() {
    var random = SystemRandomNumberGenerator()
    var pace = ExportPace()
    #expect(
      pace.take(.answered(429, retryAfter: 7, body: []), using: &random) == .again(.seconds(7)))
    #expect(
      pace.take(.answered(503, retryAfter: 100_000, body: []), using: &random) == .again(.seconds(300)))
    guard case .again(let third) = pace.take(.failed("no route"), using: &random) else {
      return #expect(Bool(false))
    }
    #expect(third >= .milliseconds(3_200) && !(Interval.milliseconds(4_800) < third))
    #expect(pace.take(.answered(200, retryAfter: nil, body: []), using: &random) == .done(rejected: 0))
    var bad = ExportPace()
    #expect(
      bad.take(.answered(400, retryAfter: nil, body: []), using: &random)
        == .giveUp("the collector answers 400"))
    var dead = ExportPace()
    for _ in 1..<ExportPace.maximumAttempts {
      guard case .again(let pause) = dead.take(.failed("refused"), using: &random) else {
        return #expect(Bool(false))
      }
      #expect(!(Interval.seconds(72) < pause))
    }
    #expect(dead.take(.failed("refused"), using: &random) == .giveUp("refused, 8 times"))
  }

  @Test(
    "how many spans the collector rejects is read of its answer",
    arguments: [
      ([], 0), ([0x0a, 0x02, 0x08, 0x05], 5), ([0x0a, 0x05, 0x12, 0x01, 0x61, 0x08, 0x03], 3),
      ([0x0a, 0x7f], 0), ([0xff], 0), ([0x0a, 0x03, 0x08, 0xff, 0x01], 255), ([0x08, 0x05], 0),
    ] as [([UInt8], UInt64)])
  func partial(body: [UInt8], rejected: UInt64) { #expect(PartialSuccess.rejected(body) == rejected) }

  @Test("whoever leaves spans never waits: what has no room is dropped and counted")
  func bounded() throws {
    let registry = MetricRegistry()
    let exporter = try SpanExporter(process: [], registry: registry, log: Logger(label: "test"))
    for _ in 0..<SpanExporter.maximumWaiting + 5 { exporter.take(try Self.connection(), Tracing()) }
    #expect(exporter.counts.dropped == 5)
    let page = registry.page()
    #expect(page.contains("apus_spans_total{outcome=\"dropped\"} 5\n"))
    #expect(page.contains("apus_spans_waiting \(SpanExporter.maximumWaiting)\n"))
  }

  @Test("spans are sent in messages of a bounded size; what is refused for good is counted")
  func sending() async throws {
    let exporter = try SpanExporter(process: [], registry: MetricRegistry(), log: Logger(label: "test"))
    for _ in 0..<SpanExporter.batch + 1 { exporter.take(try Self.connection(), Tracing()) }
    let sizes = Mutex<[Int]>([])
    await exporter.flush { message in
      let index = sizes.withLock { sizes in
        sizes.append(message.count)
        return sizes.count
      }
      return index == 1 ? .answered(200, retryAfter: nil, body: [0x0a, 0x02, 0x08, 0x02]) : .failed("gone")
    }
    #expect(sizes.withLock { $0.count } == 2 && sizes.withLock { $0[0] > 100 * $0[1] })
    #expect(exporter.counts.sent == UInt64(SpanExporter.batch - 2) && exporter.counts.refused == 3)
  }

  @Test("a message that is refused for now is sent again until it is taken")
  func again() async throws {
    let thread = try ReactorThread(name: "test")
    let exporter = try SpanExporter(process: [], registry: MetricRegistry(), log: Logger(label: "test"))
    exporter.take(try Self.connection(), Tracing())
    let asked = Mutex(0)
    let (taken, done) = AsyncStream.makeStream(of: Void.self)
    let task = Task(executorPreference: thread) {
      await exporter.run(on: thread) { _ in
        let count = asked.withLock { count in
          count += 1
          return count
        }
        if count < 3 { return .answered(429, retryAfter: 0, body: []) }
        done.yield()
        return .answered(200, retryAfter: nil, body: [])
      }
    }
    for await _ in taken { break }
    while exporter.counts.sent == 0 { await Task.yield() }
    task.cancel()
    #expect(exporter.counts.retries == 2 && exporter.counts.sent == 1)
  }
}
