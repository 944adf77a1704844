import MeshModel
import Testing

@testable import Manifests

@Suite("What telemetry is told of whom")
struct TelemetryTests {
  static func telemetry(
    _ name: String, _ spec: String, in namespace: String = "production", created: String = ""
  ) -> String {
    """
    {apiVersion: telemetry.istio.io/v1, kind: Telemetry,
     metadata: {name: \(name), namespace: \(namespace), creationTimestamp: "\(created)"}, spec: {\(spec)}}
    """
  }

  private func rules(_ manifests: String...) throws -> (TelemetryRules, [Finding]) {
    let files = manifests.enumerated().map { ManifestFile(path: "\($0).yaml", text: $1) }
    let bench = TrafficBench(files: files)
    var rules = TelemetryRules()
    for scope in bench.mesh.telemetry { rules.upsert(scope) }
    return (rules, bench.findings)
  }

  @Test("nobody says anything: one of a hundred is traced, and every line is written")
  func usual() throws {
    let (rules, findings) = try rules()
    let settings = rules.settings(of: "web-1", in: "production")
    #expect(settings == .usual && findings.isEmpty)
    #expect(settings.client.trace.share == 10_000 && !settings.server.log.isDisabled)
  }

  @Test("mesh, namespace and workload are merged, field by field")
  func merged() throws {
    let (rules, findings) = try rules(
      Self.telemetry(
        "mesh",
        "tracing: [{randomSamplingPercentage: 50, customTags: {a: {literal: {value: mesh}}}}], "
          + "accessLogging: [{filter: {expression: connection.mtls}}]", in: "istio-system"),
      Self.telemetry(
        "namespace",
        "tracing: [{disableSpanReporting: true, match: {mode: CLIENT}}, "
          + "{customTags: {b: {header: {name: X-B}}}}]"),
      Self.telemetry(
        "web", "selector: {matchLabels: {app: web}}, accessLogging: [{disabled: true, match: {mode: SERVER}}]"
      ))
    #expect(findings.isEmpty, "\(findings)")
    let elsewhere = rules.settings(of: "old-1", in: "legacy")
    #expect(elsewhere.server.trace.tags == [TraceTag("a", .literal("mesh"))])
    let other = rules.settings(of: "order-1", in: "production")
    #expect(other.client.trace.share == 0 && other.server.trace.share == 500_000)
    #expect(other.server.trace.tags == [TraceTag("b", .header("x-b", nil))])
    #expect(!other.server.log.isDisabled && other.server.log.filter == "connection.mtls")
    let web = rules.settings(of: "web-1", in: "production")
    #expect(web.server.log.isDisabled && !web.client.log.isDisabled)
    #expect(web.client.log.filter == "connection.mtls" && web.server.trace.share == 500_000)
  }

  @Test("what targets a service is for requests to it, unless the pod that answers is selected")
  func targets() throws {
    let (rules, _) = try rules(
      Self.telemetry(
        "orders",
        "targetRefs: [{kind: Service, name: order-service}], "
          + "tracing: [{randomSamplingPercentage: 100}]"),
      Self.telemetry(
        "old",
        "selector: {matchLabels: {version: v1, app: order-service}}, "
          + "tracing: [{randomSamplingPercentage: 5}]"))
    let service = TrafficBench.key("order-service")
    #expect(rules.settings(of: service).server.trace.share == 1_000_000)
    let new = rules.settings(of: "order-2", in: "production", answeringFor: service)
    #expect(new.server.trace.share == 1_000_000)
    let old = rules.settings(of: "order-1", in: "production", answeringFor: service)
    #expect(old.server.trace.share == 50_000)
    #expect(rules.settings(of: TrafficBench.key("payment-service")).server.trace.sampling == nil)
  }

  @Test("labels are removed and added, metric by metric, and a narrower level has the last word")
  func labels() throws {
    let (rules, _) = try rules(
      Self.telemetry(
        "mesh", "metrics: [{overrides: [{tagOverrides: {source_app: {operation: REMOVE}}}]}]",
        in: "istio-system"),
      Self.telemetry(
        "namespace",
        "metrics: [{overrides: [{match: {metric: REQUEST_COUNT, mode: SERVER}, disabled: true, "
          + "tagOverrides: {source_app: {value: \"'a'\"}, stage: {value: \"'b'\"}}}]}]"))
    let settings = rules.settings(of: "web-1", in: "production")
    let counted = try #require(settings.server.metrics?.override(of: .requestCount))
    #expect(counted.isDisabled && counted.labels == [.init("source_app", "a"), .init("stage", "b")])
    let size = try #require(settings.server.metrics?.override(of: .requestSize))
    #expect(!size.isDisabled && size.labels == [.init("source_app", nil)])
    #expect(settings.client.metrics?.override(of: .requestCount)?.labels == [.init("source_app", nil)])
  }

  @Test("of two for the same the older is in force, and the other is told")
  func shadowed() throws {
    let (rules, findings) = try rules(
      Self.telemetry("b", "tracing: [{randomSamplingPercentage: 2}]", created: "2026-01-01T00:00:00Z"),
      Self.telemetry("a", "tracing: [{randomSamplingPercentage: 1}]", created: "2026-02-01T00:00:00Z"))
    #expect(rules.settings(of: "web-1", in: "production").client.trace.share == 20_000)
    #expect(findings.map(\.code) == [.shadowedPolicy] && findings[0].object == "Telemetry production/a")
  }

  @Test("what has no effect is told")
  func told() throws {
    let log = "accessLogging: [{disabled: true}]"
    let (_, findings) = try rules(
      Self.telemetry("a", "selector: {matchLabels: {app: web}}, \(log)", in: "istio-system"),
      Self.telemetry("b", "selector: {matchLabels: {app: nobody}}, \(log)"),
      Self.telemetry("c", "targetRefs: [{kind: Service, name: nothing}], \(log)"),
      Self.telemetry("d", ""))
    let expected: Set<FindingCode> = [.emptySelection, .unknownTarget, .selectorInRoot, .emptyPolicy]
    #expect(Set(findings.map(\.code)) == expected && findings.count == 4, "\(findings)")
  }

  @Test("what cannot be read is not in force, and does not keep the rest from it")
  func broken() throws {
    let text = Self.telemetry("a", "accessLogging: [{disabled: true, filters: {}}]")
    let (rules, findings) = try rules(text)
    #expect(rules.settings(of: "web-1", in: "production") == .usual)
    #expect(findings.map(\.code) == [.unknownField] && !findings.preventUse)
    // The earlier version stays.
    let earlier = ManifestSet.load(
      files: [ManifestFile(path: "a", text: Self.telemetry("a", "accessLogging: [{disabled: true}]"))])
    var (later, _) = ManifestSet.load(files: [ManifestFile(path: "a", text: text)])
    #expect(later.keepReadablePolicies(of: earlier.objects).map(\.code) == [.keptPolicy])
    let (mesh, _) = MeshCompiler.compile(later)
    #expect(mesh.telemetry.first?.everybody.server.log.isDisabled == true)
  }
}
