import MeshModel
import Testing

@testable import Telemetry

@Suite("Telemetry's rules", .timeLimit(.minutes(1)))
struct RulesTests {
  /// Rules for the pods of one namespace.
  static func rules(_ change: (inout TelemetryScope) -> Void) -> PreparedRules {
    var scope = TelemetryScope(namespace: "shop", isWide: false, everybody: TelemetrySettings())
    change(&scope)
    var rules = TelemetryRules()
    rules.upsert(scope)
    let prepared = PreparedRules()
    prepared.adopt(rules)
    return prepared
  }

  @Test("a filter decides which lines are written, and every record is counted")
  func filter() throws {
    let pipe = try Pipe()
    let registry = MetricRegistry()
    let rules = Self.rules { $0.everybody.server.log.filter = "response.code >= 400" }
    let sink = RequestSink(log: pipe.log, registry: registry, rules: rules)
    sink.take([200, 404, 204, 503].map { RequestMetricsTests.record($0) }, dropped: 0)
    let lines = pipe.read(until: "response_code=503").split(separator: "\n")
    #expect(lines.count == 2 && lines[0].contains("response_code=404"))
    #expect(registry.page().split(separator: "\n").count { $0.hasPrefix("istio_requests_total{") } == 4)
  }

  @Test("of connections a filter on requests writes none, and one on connections those that it names")
  func connections() throws {
    let pipe = try Pipe()
    let rules = Self.rules {
      $0.everybody.client.log.filter = "response.code >= 400 || source.port == 40000"
      $0.workloads["quiet-1"] = TelemetrySettings()
      $0.workloads["quiet-1"]?.client.log.isDisabled = true
      $0.workloads["web-1"] = TelemetrySettings()
      $0.workloads["web-1"]?.client.log.filter = "response.code >= 400"
    }
    let sink = RecordSink(log: pipe.log, registry: MetricRegistry(), rules: rules)
    sink.take(try ["quiet", "web", "other"].map { try RecordTests.record(client: $0) }, dropped: 0)
    let lines = pipe.read(until: "src.workload=other-1").split(separator: "\n")
    #expect(lines.count == 1, "\(lines)")
  }

  @Test("labels that are removed sum series up, those that are added tell them apart, and a metric goes")
  func overrides() throws {
    let registry = MetricRegistry()
    let pipe = try Pipe()
    let rules = Self.rules {
      var overrides = MetricOverrides()
      overrides.update(.requestCount) {
        $0.labels = [.init("response_code", nil), .init("stage", "a\"b"), .init("source_app", "x")]
      }
      overrides.update(.requestSize) { $0.isDisabled = true }
      $0.everybody.server.metrics = overrides
    }
    let sink = RequestSink(log: pipe.log, registry: registry, rules: rules)
    sink.take([200, 404, 200].map { RequestMetricsTests.record($0) }, dropped: 0)
    let page = registry.page().split(separator: "\n")
    let counted = page.filter { $0.hasPrefix("istio_requests_total{") }
    #expect(counted.count == 1 && counted[0].hasSuffix(",stage=\"a\\\"b\"} 3"), "\(counted)")
    #expect(counted[0].contains("source_app=\"x\"") && !counted[0].contains("response_code"))
    #expect(!page.contains { $0.hasPrefix("istio_request_bytes_count{") })
    #expect(page.count { $0.hasPrefix("istio_response_bytes_count{") } == 2)
  }

  @Test("a blocked log loses lines, and nobody waits for it")
  func blocked() throws {
    let pipe = try Pipe()
    let registry = MetricRegistry()
    pipe.log.register(in: registry)
    let sink = RequestSink(log: pipe.log, registry: registry)
    let records = (0..<1_000).map { _ in RequestMetricsTests.record() }
    // More than the pipe and the queue take: would `take` wait for the reader, it would never come back.
    let rounds = LogOutput.maximumBytes / (300 * records.count) + 20
    for _ in 0..<rounds { sink.take(records, dropped: 0) }
    #expect(pipe.log.dropped > 0)
    let counted = registry.page().split(separator: "\n").first { $0.hasPrefix("istio_requests_total{") }
    #expect(counted?.hasSuffix(" \(rounds * records.count)") == true)
    #expect(registry.page().contains("apus_log_lines_dropped_total \(pipe.log.dropped)\n"))
  }
}
