import Foundation
import MeshModel
import Testing

@testable import Telemetry

@Suite("What an agent tells the control plane of its connections and requests")
struct EdgeTableTests {
  static func connection(
    _ outcome: ConnectionRecord.Outcome = .complete, direction: ConnectionRecord.Direction = .inbound,
    pod: Int = 1, sent: UInt64 = 10, received: UInt64 = 4
  ) -> ConnectionRecord {
    ConnectionRecord(
      direction: direction, source: RequestMetricsTests.party("web", pod: pod).party,
      destination: RequestMetricsTests.party("cart").party, isMutualTLS: true, bytesSent: sent,
      bytesReceived: received, duration: 3_000_000, outcome: outcome)
  }

  static func told(
    _ table: EdgeTable, live: [ConnectionRecord] = [], at now: Int64 = 100
  ) -> MeshReport {
    var report = MeshReport(version: "t", started: 1, uptime: 1)
    table.fill(&report, live: live, at: now)
    return report
  }

  @Test("connections of an owner's pods are one edge; its counts go by how they ended, its bytes by who sent")
  func connections() throws {
    let table = EdgeTable()
    table.note(
      [
        Self.connection(), Self.connection(pod: 2), Self.connection(.failed("reset")),
        Self.connection(.failed("no route"), sent: 0, received: 0),
        Self.connection(.refused(.policy("shop/no"), peer: false), sent: 0, received: 0),
        Self.connection(.refused(.notReady, peer: false), sent: 0, received: 0),
      ], dropped: 3, at: 100)
    let report = Self.told(table)
    let edge = try #require(report.edges.first)
    #expect(report.edges.count == 1 && report.dropped == 3)
    #expect(edge.counts.opened == 3 && edge.counts.errors == 1)
    #expect(edge.counts.denied == 1 && edge.counts.failed == 2)
    // The reporter is the destination's agent: what it sent, the source received.
    #expect(edge.counts.sent == 12 && edge.counts.received == 30)
    #expect(edge.counts.latency.reduce(0, +) == 3)
    table.note([Self.connection(direction: .outbound)], at: 100)
    let outbound = Self.told(table).edges.first { $0.key.direction == .outbound }
    #expect(outbound?.counts.sent == 10 && outbound?.counts.received == 4)
  }

  @Test("records of connections that live count for nothing: what lives is told of apart")
  func underway() {
    let table = EdgeTable()
    var (opened, flowing) = (Self.connection(sent: 0, received: 0), Self.connection())
    (opened.phase, flowing.phase) = (.opened, .underway)
    table.note([opened, flowing], at: 100)
    #expect(Self.told(table).edges.isEmpty)
  }

  @Test("what lives is counted as opened, and stays so when it ends")
  func live() throws {
    let table = EdgeTable()
    table.note([Self.connection()], at: 100)
    let before = try #require(Self.told(table, live: [Self.connection(), Self.connection()]).edges.first)
    #expect(before.open == 2 && before.counts.opened == 3 && before.counts.received == 30)
    table.note([Self.connection(), Self.connection()], at: 100)
    let after = try #require(Self.told(table).edges.first)
    #expect(after.open == 0 && after.counts.opened == 3 && after.counts.received == 30)
    #expect(after.counts.since(before.counts)?.opened == 0)
  }

  @Test("requests: errors are the server's fault, denials are no requests, mirrors are not counted")
  func requests() throws {
    var lost = RequestMetricsTests.record(0)
    lost.flags.insert(.downstreamConnectionTermination)
    var denied = RequestMetricsTests.record(403)
    denied.refusal = .noPolicyAllows
    var token = RequestMetricsTests.record(401)
    token.tokenFault = "token-expired"
    var mirror = RequestMetricsTests.record()
    mirror.kind = .mirror
    var call = RequestMetricsTests.record()
    (call.isGRPC, call.grpcStatus) = (true, 14)
    let table = EdgeTable()
    table.note(
      [
        RequestMetricsTests.record(), RequestMetricsTests.record(404), RequestMetricsTests.record(503),
        RequestMetricsTests.record(0), lost, denied, token, mirror, call,
      ], at: 100)
    let report = Self.told(table)
    let http = try #require(report.edges.first { $0.key.carries == .http })
    #expect(http.counts.requests == 5 && http.counts.errors == 2 && http.counts.denied == 2)
    #expect(http.counts.sent == 250 && http.counts.received == 25_000)
    #expect(report.edges.first { $0.key.carries == .grpc }?.counts.errors == 1)
    #expect(report.denials.map(\.reason) == ["no-policy-allows", "token-expired"])
    // Queries may hold secrets.
    #expect(report.denials.allSatisfy { $0.path == "/cart" && $0.method == "GET" })
  }

  @Test("edges and denials are bounded; an edge on which nothing happens is forgotten")
  func bounds() {
    let table = EdgeTable(limit: 2)
    for pod in 0..<4 {
      var record = Self.connection(.refused(.noPolicyAllows, peer: false), sent: 0, received: 0)
      record.source.owner = "client-\(pod)"
      table.note(Array(repeating: record, count: 20), at: 100)
    }
    let report = Self.told(table, live: [Self.connection()])
    #expect(report.edges.count == 2 && report.forgotten == 41)
    #expect(report.denials.count == MeshReport.denialLimit)
    #expect(report.denials.last?.source.workload == "client-3")
    #expect(Self.told(table, at: 100 + EdgeTable.idleness).edges.isEmpty)
  }

  @Test("the text is what the control plane decodes, whatever the names hold")
  func text() throws {
    var report = MeshReport(version: "0.1", pod: "a\"b\\c\n", started: 5, uptime: 6, residentBytes: 7)
    let table = EdgeTable()
    table.note([Self.connection(), Self.connection(.refused(.mtlsRequired, peer: false))], at: 100)
    var denied = RequestMetricsTests.record(403)
    denied.refusal = .noPolicyAllows
    denied.path = "/\u{1b}[31m\"<script>\u{2028}?x"
    table.note([denied], at: 100)
    table.fill(&report, live: [Self.connection()], at: 100)
    report.pods = [ObservedPod(name: "a/b"), ObservedPod(name: "a/c", problem: "it is \"gone\"")]
    report.certificates = [
      ObservedCertificate(identity: "spiffe://a/ns/b/sa/c", state: "Initializing"),
      ObservedCertificate(
        identity: "spiffe://a/ns/b/sa/d", state: "Available", serial: "1f", notBefore: 1, notAfter: 2,
        problem: "x"),
    ]
    (report.connections, report.tunnels, report.isConnected) = (3, 4, true)
    (report.lastUpdate, report.problem) = (9, "none")
    let data = Data(MeshReportText.bytes(of: report))
    #expect(try JSONDecoder().decode(MeshReport.self, from: data) == report)
    let bare = MeshReport(version: "", started: 0, uptime: 0)
    #expect(
      try JSONDecoder().decode(MeshReport.self, from: Data(MeshReportText.bytes(of: bare))) == bare)
  }

  @Test("a quantile is within a bucket of the truth")
  func quantiles() throws {
    var counts = EdgeCounts()
    for millisecond in 1...1_000 { counts.addLatency(UInt64(millisecond) * 1_000_000) }
    let median = try #require(LatencyScale.quantile(0.5, of: counts.latency))
    let last = try #require(LatencyScale.quantile(0.99, of: counts.latency))
    #expect((400...600).contains(median) && (850...1_150).contains(last))
    #expect(LatencyScale.quantile(0.5, of: []) == nil)
    #expect(LatencyScale.bucket(of: .max) == LatencyScale.bounds.count)
    #expect(zip(LatencyScale.bounds, LatencyScale.bounds.dropFirst()).allSatisfy { $0 < $1 })
  }
}
