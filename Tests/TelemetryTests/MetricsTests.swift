import MeshModel
import Reactor
import Testing

@testable import Telemetry

@Suite("Metrics")
struct MetricsTests {
  @Test("the page has help, type and escaped labels, in a stable order")
  func page() {
    let registry = MetricRegistry()
    let counter = registry.counter(
      "apus_things_total", help: "Things\nof \\ all \"kinds\".", labels: ["kind"])
    let gauge = registry.gauge("apus_level", help: "A level.")
    counter.add(2, "b")
    counter.add(1, "a\"\\\n")
    counter.add(1, "b")
    gauge.set(1.5)
    gauge.add(-0.25)
    #expect(
      registry.page() == """
        # HELP apus_things_total Things\\nof \\\\ all "kinds".
        # TYPE apus_things_total counter
        apus_things_total{kind="a\\"\\\\\\n"} 1
        apus_things_total{kind="b"} 3
        # HELP apus_level A level.
        # TYPE apus_level gauge
        apus_level 1.25

        """)
  }

  @Test("series are bounded; what has no room is summed up")
  func bounds() {
    let registry = MetricRegistry()
    let counter = registry.counter("apus_x_total", help: "x", labels: ["a", "b"], limit: 3)
    for index in 0..<10 { counter.add(1, "\(index)", "y") }
    counter.add(1, "0", "y")
    #expect(counter.series.value(["0", "y"]) == 2)
    #expect(counter.series.value(["other", "other"]) == 7)
  }

  @Test("the process tells what it takes")
  func process() throws {
    let registry = MetricRegistry()
    ProcessFigures.register(in: registry, component: "agent", version: "1")
    let page = registry.page()
    #expect(page.contains("istio_build{component=\"agent\",tag=\"1\"} 1\n"))
    #expect(page.contains("process_resident_memory_bytes ") && page.contains("process_cpu_seconds_total "))
    #expect(ProcessFigures.cpuSeconds("7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0") == 2)
    #expect(ProcessFigures.field("Max open files", of: "x\nMax open files   1024  2048 files\n") == 1_024)
  }
}

@Suite("Records", .timeLimit(.minutes(1)))
struct RecordTests {
  static func record(
    _ outcome: ConnectionRecord.Outcome = .complete, client: String = "client", sent: UInt64 = 0
  ) throws -> ConnectionRecord {
    let identity = try Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/\(client)")
    var source = ConnectionRecord.Party(
      address: SocketAddress("10.244.1.2:40000"), workload: "\(client)-1", namespace: "shop",
      identity: identity, cluster: "Kubernetes")
    source.owner = client
    source.canonicalName = client
    source.canonicalRevision = "v1"
    return ConnectionRecord(
      direction: .outbound, source: source, destination: .init(address: SocketAddress("10.244.2.2:80")),
      service: ServiceKey(namespace: "shop", hostname: "cart.shop.svc.cluster.local"), isMutualTLS: true,
      bytesSent: sent, bytesReceived: 2 * sent, duration: 3_000_000, outcome: outcome)
  }

  @Test("each connection leaves one line, whose level tells how it ended")
  func lines() throws {
    let pipe = try Pipe()
    let sink = RecordSink(log: pipe.log, registry: MetricRegistry())
    sink.take(
      [
        try Self.record(sent: 5), try Self.record(.refused(.policy("shop/deny"), peer: true)),
        try Self.record(.failed("the application cannot be reached")),
      ], dropped: 0)
    let lines = pipe.read(until: "cannot be reached").split(separator: "\n")
    #expect(lines.count == 3)
    #expect(
      lines[0].hasSuffix(
        "\tinfo\taccess\tconnection complete\tsrc.addr=10.244.1.2:40000 src.workload=client-1 "
          + "src.namespace=shop src.identity=spiffe://cluster.local/ns/shop/sa/client "
          + "src.cluster=Kubernetes dst.addr=10.244.2.2:80 dst.service=cart.shop.svc.cluster.local "
          + "direction=outbound bytes_sent=5 bytes_recv=10 duration=3ms"))
    #expect(lines[1].contains("\twarn\taccess\tconnection failed\t"))
    #expect(lines[1].hasSuffix(" reason=policy:shop/deny"))
    #expect(lines[2].contains("\terror\taccess\tconnection failed\t"))
    #expect(lines[2].hasSuffix(" error=\"the application cannot be reached\""))
  }

  @Test("a refused certificate is told by token and in words, whoever refused it")
  func certificates() throws {
    let expired = try Self.record(.refused(.certificateExpired(.source), peer: true))
    #expect(
      Self.ending(of: expired) == [
        "refused by the destination's agent: the source's certificate has expired",
        "source-certificate-expired",
      ])
    var untrusted = try Self.record(.refused(.certificateUntrusted(.destination), peer: true))
    untrusted.direction = .inbound
    #expect(
      Self.ending(of: untrusted) == [
        "refused by the source's agent: the destination's certificate is not signed by an authority that "
          + "this mesh trusts",
        "destination-certificate-untrusted",
      ])
    let denied = try Self.record(.refused(.noPolicyAllows, peer: false))
    #expect(Self.ending(of: denied) == ["refused", "no-policy-allows"])
  }

  /// What a line says of the end: the values of `error` and `reason`.
  private static func ending(of record: ConnectionRecord) -> [String] {
    AccessLine.fields(of: record).filter { ["error", "reason"].contains($0.key) }.map(\.value)
  }

  @Test("what AUDIT policies and dry runs say is in the line, and counted")
  func remarks() throws {
    let pipe = try Pipe()
    let registry = MetricRegistry()
    let sink = RecordSink(log: pipe.log, registry: registry)
    var record = try Self.record()
    record.remarks = PolicyRemarks(
      audits: ["shop/a", "shop/b"], dryRuns: [.deny("shop/d"), .noPolicyAllows], areAuditsCut: true)
    sink.take([record, record], dropped: 0)
    let line = pipe.read(until: "no-policy-allows\n")
    #expect(line.contains(" audit=shop/a,shop/b,... dry-run=policy:shop/d,no-policy-allows\n"), "\(line)")
    let page = registry.page()
    #expect(page.contains("apus_policy_audits_total{policy=\"shop/b\"} 2\n"))
    #expect(page.contains("apus_policy_dry_runs_total{verdict=\"policy:shop/d\"} 2\n"))
  }

  @Test("the standard metrics have Istio's labels")
  func metrics() throws {
    let pipe = try Pipe()
    let registry = MetricRegistry()
    let sink = RecordSink(log: pipe.log, registry: registry)
    sink.take(
      [
        try Self.record(sent: 5), try Self.record(sent: 7), try Self.record(.failed("broke"), sent: 1),
        try Self.record(.refused(.noPolicyAllows, peer: true)), try Self.record(.failed("unreachable")),
      ], dropped: 4)
    let page = registry.page()
    let labels =
      "reporter=\"source\",source_workload=\"client\",source_canonical_service=\"client\","
      + "source_canonical_revision=\"v1\",source_workload_namespace=\"shop\","
      + "source_principal=\"spiffe://cluster.local/ns/shop/sa/client\",source_app=\"client\","
      + "source_version=\"v1\",source_cluster=\"Kubernetes\","
      + "destination_service=\"cart.shop.svc.cluster.local\",destination_service_namespace=\"shop\","
      + "destination_service_name=\"cart\",destination_workload=\"unknown\","
    #expect(page.contains("istio_tcp_connections_opened_total{\(labels)"))
    let end = "connection_security_policy=\"mutual_tls\"}"
    #expect(page.contains("response_flags=\"-\",\(end) 3\n"))
    #expect(page.contains("response_flags=\"DENY\",\(end) 1\n"))
    #expect(page.contains("response_flags=\"CONNECT\",\(end) 1\n"))
    #expect(page.contains("\(end) 13\n") && page.contains("\(end) 26\n"))
    #expect(page.contains("apus_records_dropped 4\n"))
  }

  @Test("series are bounded, and sums stay true")
  func bounds() throws {
    let table = TrafficTable(limit: 2)
    for name in ["a", "b", "c", "d", "a"] { table.count(try Self.record(client: name)) }
    var text = MetricsText()
    table.write(into: &text)
    let opened = text.text.split(separator: "\n").filter {
      $0.hasPrefix("istio_tcp_connections_opened_total{")
    }
    #expect(opened.compactMap { $0.split(separator: " ").last }.sorted() == ["1", "2", "2"])
    #expect(opened.contains { $0.contains("source_workload=\"other\"") && $0.hasSuffix(" 2") })
    #expect(text.text.contains("apus_traffic_series_overflow_total 2\n"))
  }
}
