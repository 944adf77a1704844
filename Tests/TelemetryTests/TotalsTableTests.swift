import Bytes
import MeshModel
import Testing

@testable import Telemetry

@Suite("Totals of what is gone")
struct TotalsTableTests {
  private func page(_ table: TrafficTable) -> String {
    var text = MetricsText()
    table.write(into: &text)
    return text.text
  }

  private static func workload(_ owner: String) throws -> Workload {
    Workload(
      uid: "Kubernetes//Pod/shop/\(owner)-1", name: "\(owner)-1", namespace: "shop",
      identity: try Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/\(owner)"), addresses: [],
      workloadName: owner)
  }

  private static func presence(_ owners: [String]) throws -> Presence {
    Presence(
      workloads: try owners.map(workload),
      services: [
        Service(
          name: "cart", key: ServiceKey(namespace: "shop", hostname: "cart.shop.svc.cluster.local"),
          addresses: [], ports: [])
      ])
  }

  private static func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

  @Test("a series of a workload that is gone stays until its last value has been read, and a while longer")
  func gone() throws {
    let table = TrafficTable()
    for name in ["a", "b"] { table.count(try RecordTests.record(client: name)) }
    let all = try Self.presence(["a", "b"])
    let rest = try Self.presence(["b"])
    table.sweep(all, at: Self.at(0))
    #expect(page(table).contains("source_workload=\"a\""))
    table.sweep(rest, at: Self.at(1_000))
    table.sweep(rest, at: Self.at(1_299))
    #expect(page(table).contains("source_workload=\"a\""))
    table.sweep(rest, at: Self.at(1_300))
    let text = page(table)
    #expect(!text.contains("source_workload=\"a\"") && text.contains("source_workload=\"b\""))
    #expect(text.contains("apus_traffic_series_forgotten_total 1\n"))
  }

  @Test("while nobody reads, a value that is new is kept for longer, and not for ever")
  func unread() throws {
    let table = TrafficTable()
    table.count(try RecordTests.record(client: "a"))
    let nobody = try Self.presence([])
    table.sweep(nobody, at: Self.at(0))
    table.sweep(nobody, at: Self.at(3_599))
    #expect(page(table).contains("source_workload=\"a\""))
    // A late record makes it unread again, and its time begins anew.
    table.count(try RecordTests.record(client: "a"))
    table.sweep(nobody, at: Self.at(4_000))
    table.sweep(nobody, at: Self.at(7_599))
    table.sweep(nobody, at: Self.at(7_600))
    #expect(!page(table).contains("source_workload=\"a\""))
  }

  @Test("who comes back is not gone")
  func back() throws {
    let table = TrafficTable()
    table.count(try RecordTests.record(client: "a"))
    _ = page(table)
    table.sweep(try Self.presence([]), at: Self.at(0))
    table.sweep(try Self.presence(["a"]), at: Self.at(200))
    table.sweep(try Self.presence([]), at: Self.at(400))
    table.sweep(try Self.presence([]), at: Self.at(699))
    #expect(page(table).contains("source_workload=\"a\""))
  }

  @Test("what has no name, and what is summed up under other, is never gone")
  func unknown() throws {
    let table = TrafficTable(limit: 1)
    table.count(
      ConnectionRecord(direction: .inbound, source: .init(), destination: .init(), isMutualTLS: true))
    table.count(try RecordTests.record(client: "a"))
    _ = page(table)
    for second in [0, 10_000] as [UInt64] { table.sweep(try Self.presence([]), at: Self.at(second)) }
    let text = page(table)
    #expect(text.contains("source_workload=\"unknown\"") && text.contains("source_workload=\"other\""))
  }

  @Test("requests lose their series in the same way")
  func requests() throws {
    let table = RequestTable()
    table.count([(RequestMetricsTests.record(from: "web"), nil)])
    var text = MetricsText()
    table.write(into: &text)
    table.sweep(try Self.presence(["web"]), at: Self.at(0))
    table.sweep(try Self.presence(["web"]), at: Self.at(300))
    text = MetricsText()
    table.write(into: &text)
    #expect(!text.text.contains("istio_requests_total{"))
    #expect(text.text.contains("apus_request_series_forgotten_total 1\n"))
  }

  @Test("families with too many labels say how many updates found no room")
  func overflow() {
    let registry = MetricRegistry()
    let counter = registry.counter("apus_x_total", help: "x", labels: ["a"], limit: 2)
    for index in 0..<5 { counter.add(1, "\(index)") }
    #expect(registry.page().contains("apus_series_overflow_total{family=\"apus_x_total\"} 3\n"))
  }

  @Test("a live connection is counted as it opens and by pieces, and once")
  func live() throws {
    let table = TrafficTable()
    var opened = try RecordTests.record(sent: 0)
    opened.phase = .opened
    table.count(opened)
    var underway = try RecordTests.record(sent: 10)
    underway.phase = .underway
    underway.isTold = true
    table.count(underway)
    let text = page(table)
    #expect(text.contains("istio_tcp_connections_opened_total{"))
    #expect(!text.contains("istio_tcp_connections_closed_total{"))
    #expect(text.contains("\"} 10\n") && text.contains("\"} 20\n"))
    var ended = try RecordTests.record(.failed("reset"), sent: 15)
    ended.isTold = true
    ended.isOpened = true
    ended.toldSent = 10
    ended.toldReceived = 20
    table.count(ended)
    let last = page(table).split(separator: "\n").filter { $0.hasPrefix("istio_tcp_") }
    let values = last.map { ($0.prefix { $0 != "{" }, $0.split(separator: " ").last) }
    #expect(last.count == 4, "\(last)")
    #expect(
      values.map { "\($0.0) \($0.1 ?? "")" } == [
        "istio_tcp_connections_opened_total 1", "istio_tcp_connections_closed_total 1",
        "istio_tcp_sent_bytes_total 15", "istio_tcp_received_bytes_total 30",
      ])
  }

  @Test("why no connection came to be has the ecosystem's flags")
  func flags() throws {
    let table = TrafficTable()
    table.count(try RecordTests.record(.failed("no", .tls)))
    table.count(try RecordTests.record(.failed("no", .http2)))
    table.count(try RecordTests.record(.refused(.certificateUntrusted(.source), peer: true)))
    let text = page(table)
    #expect(text.contains("response_flags=\"TLS_FAILURE\",connection_security_policy=\"mutual_tls\"} 2\n"))
    #expect(text.contains("response_flags=\"H2_HANDSHAKE_FAILURE\""))
  }
}
