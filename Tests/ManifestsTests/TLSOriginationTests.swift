import MeshModel
import Testing

@testable import Manifests

@Suite("trafficPolicy.tls")
struct TLSOriginationTests {
  typealias Bench = TrafficBench

  private func destination(_ spec: String) throws -> DestinationTraffic? {
    try Bench(Bench.rule("r", spec: spec), Bench.routing("v")).destination("order-service")
  }

  @Test("ports replace what the rule says, and subsets what both say")
  func overrides() throws {
    let found = try #require(
      try destination(
        """
        trafficPolicy: {tls: {mode: SIMPLE, sni: whole.example},
         portLevelSettings: [{port: {number: 80}, tls: {mode: SIMPLE, sni: port.example}},
          {port: {number: 81}, outlierDetection: {}}]},
        subsets: [{name: v1, labels: {version: v1}},
         {name: v2, labels: {version: v2}, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}]
        """))
    #expect(found.policy.tls?.serverName == "whole.example")
    #expect(found.ports.map { $0.policy.tls?.serverName } == ["port.example", nil])
    let subsets = found.subsets
    #expect(subsets.map { $0.policy.tls?.serverName } == ["whole.example", nil])
    // What is said of a subset comes over what is said of a port.
    #expect(subsets[0].ports.map { $0.policy.tls?.serverName } == ["port.example", nil])
    #expect(subsets[1].ports.map { $0.policy.tls?.serverName } == [nil, nil])
  }

  @Test("it needs a waypoint, which is told the authorities and nothing else of their file")
  func authorities() throws {
    let text = "a comment\n\(Bench.authority)\nmore"
    let bench = Bench(
      files: [
        ManifestFile(
          path: "rules/r.yaml",
          text: Bench.rule(
            "r", spec: "trafficPolicy: {tls: {mode: SIMPLE, caCertificates: ca.pem, subjectAltNames: [a, b]}}"
          ))
      ], attached: ["rules/ca.pem": .text(text)])
    let tls = bench.destination("order-service")?.policy.tls
    #expect(tls?.authorities == Bench.authority && tls?.subjectAltNames == ["a", "b"])
    #expect(tls?.serverName == nil && tls?.skipsVerification == false)
    #expect(bench.waypoint("order-service-sa")?.reasons.isEmpty == false)
  }

  @Test("a file that is none closes the rule, and says what is wrong with it")
  func faults() throws {
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    let cases: [(AttachedFile, String)] = [
      (.unreadable("it is a link that leads out"), "leads out"), (.text(""), "holds no authorities"),
      (.text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "holds no authorities"),
      (.text(Bench.authority + key), "private key"),
    ]
    for (file, words) in cases {
      let bench = Bench(
        files: [
          ManifestFile(
            path: "r.yaml",
            text: Bench.rule("r", spec: "\n trafficPolicy: {tls: {mode: SIMPLE,\n caCertificates: ca.pem}}"))
        ], attached: ["ca.pem": file])
      let finding = try #require(bench.findings.first { $0.message.contains("caCertificates") })
      #expect(finding.message.contains(words) && finding.severity == .error && finding.isContained)
      #expect(finding.line == 4, "\(finding)")
      #expect(bench.destination("order-service")?.policy.tls == nil)
      #expect(!bench.findings.contains { $0.message.contains("AAAA") })
    }
  }

  @Test("a rule for a service outside of the mesh holds where others lead there, and is told where none do")
  func outside() throws {
    let rule = Bench.rule("r", "legacy", host: "old", spec: "trafficPolicy: {tls: {mode: SIMPLE}}")
    let alone = try Bench(rule)
    #expect(alone.codes.contains("APUS314"))
    let led = try Bench(rule, Bench.routing("v", to: "old.legacy.svc.cluster.local"))
    #expect(!led.codes.contains("APUS314"))
    let found = led.mesh.waypoints.flatMap(\.destinations).first { $0.service == Bench.key("old", "legacy") }
    #expect(found?.policy.tls != nil)
  }
}
