import MeshModel
import Testing

@testable import Telemetry

@Suite("Request records", .timeLimit(.minutes(1)))
struct RequestMetricsTests {
  static func party(_ account: String, pod: Int = 1) -> RequestParty {
    var party = ConnectionRecord.Party(
      workload: "\(account)-\(pod)", namespace: "shop",
      identity: try? Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/\(account)"), cluster: "Kubernetes")
    party.owner = account
    party.canonicalName = account
    party.canonicalRevision = "v1"
    return RequestParty(party)
  }

  static func record(_ status: Int = 200, from client: String = "web", pod: Int = 1) -> RequestRecord {
    var record = RequestRecord(
      source: party(client, pod: pod), at: SocketAddress("10.244.1.2:40000")!, method: "GET",
      path: "/cart?access_token=abc&b=1", authority: "cart", version: "HTTP/2")
    record.start = 1_600_000_000_000_000_000
    record.service = ServiceKey(namespace: "shop", hostname: "cart.shop.svc.cluster.local")
    record.destination = party("cart")
    record.destinationAddress = SocketAddress("10.244.2.2:8080")
    record.status = status
    record.attempts = 1
    record.duration = 3_200_000
    record.bytesReceived = 50
    record.bytesSent = 5_000
    return record
  }

  @Test("a line has its keys in order, and no query")
  func line() {
    var record = Self.record()
    record.rule = "VirtualService shop/cart http[0]"
    record.requestID = "id-1"
    record.userAgent = "curl/8"
    record.upstreamDuration = 2_990_000
    record.traceHigh = 1
    record.traceLow = 0xab
    let pairs = RequestLine().fields(of: record).map { "\($0.key)=\($0.value)" }
    #expect(
      pairs == [
        "start=2020-09-13T12:26:40.000000Z", "method=GET", "path=/cart", "protocol=HTTP/2",
        "response_code=200", "response_flags=-", "src.addr=10.244.1.2:40000", "src.workload=web-1",
        "src.namespace=shop", "src.identity=spiffe://cluster.local/ns/shop/sa/web",
        "dst.service=cart.shop.svc.cluster.local", "dst.addr=10.244.2.2:8080", "dst.workload=cart-1",
        "dst.namespace=shop", "dst.identity=spiffe://cluster.local/ns/shop/sa/cart",
        "route=VirtualService shop/cart http[0]", "attempts=1", "bytes_received=50", "bytes_sent=5000",
        "duration=3.2ms", "upstream_time=2.9ms", "authority=cart", "user_agent=curl/8", "request_id=id-1",
        "trace_id=000000000000000100000000000000ab",
      ])
    let shown = RequestLine(showsQueries: true).fields(of: record).first { $0.key == "path" }
    #expect(shown?.value == "/cart?access_token=-&b=1")
  }

  @Test(
    "how an endpoint was reached is said, and only what is mutual TLS all the way counts as that",
    arguments: [(nil, nil, true), (.mutualTLS, "mutual_tls", true), ([], "none", false)]
      as [(DestinationSecurity?, String?, Bool)])
  func security(security: DestinationSecurity?, text: String?, isMutual: Bool) {
    var record = Self.record()
    record.destinationSecurity = security
    #expect(RequestLine().fields(of: record).first { $0.key == "dst.security" }?.value == text)
    let key = RequestKey(record)
    let policy = key.labels.first { $0.name == "connection_security_policy" }?.value
    #expect(policy == (isMutual ? "mutual_tls" : "unknown"))
    #expect((key == RequestKey(Self.record())) == isMutual)
    record.source = RequestParty(.init())
    #expect(!RequestKey(record).isMutualTLS)
  }

  @Test("each record leaves one line, as text and as JSON, and its level says whether all was well")
  func levels() throws {
    let pipe = try Pipe()
    let sink = RequestSink(log: pipe.log, registry: MetricRegistry())
    var denied = Self.record(403)
    denied.refusal = .noPolicyAllows
    var cut = Self.record(0)
    cut.details = "last"
    sink.take([Self.record(), denied, cut], dropped: 0)
    let lines = pipe.read(until: "details=last").split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines[0].contains("\tinfo\taccess\trequest\tstart="))
    #expect(lines[1].contains("\twarn\taccess\trequest\t") && lines[1].contains(" reason=no-policy-allows "))
    #expect(lines[2].contains("\terror\taccess\trequest\t"))
    #expect(!lines.contains { $0.contains("access_token") })
  }

  @Test("the standard metrics have Istio's labels, and pods of one owner share a series")
  func metrics() throws {
    let pipe = try Pipe()
    let registry = MetricRegistry()
    let sink = RequestSink(log: pipe.log, registry: registry)
    var call = Self.record(200)
    (call.isGRPC, call.grpcStatus, call.messagesReceived, call.messagesSent) = (true, 5, 3, 4)
    var copy = Self.record()
    copy.kind = .mirror
    sink.take([Self.record(), Self.record(pod: 2), Self.record(503), call, copy], dropped: 7)
    let page = registry.page()
    let labels =
      "reporter=\"waypoint\",source_workload=\"web\",source_canonical_service=\"web\","
      + "source_canonical_revision=\"v1\",source_workload_namespace=\"shop\","
      + "source_principal=\"spiffe://cluster.local/ns/shop/sa/web\",source_app=\"web\","
      + "source_version=\"v1\",source_cluster=\"Kubernetes\","
      + "destination_service=\"cart.shop.svc.cluster.local\",destination_service_namespace=\"shop\","
      + "destination_service_name=\"cart\",destination_workload=\"cart\","
    #expect(page.contains("istio_requests_total{\(labels)"))
    let http = "request_protocol=\"http\",response_code=\"200\",response_flags=\"-\""
    let tls = "connection_security_policy=\"mutual_tls\""
    #expect(page.contains(",\(http),\(tls)} 2\n"))
    #expect(page.contains("le=\"1\"} 0\n") && page.contains(",\(http),\(tls),le=\"5\"} 2\n"))
    #expect(page.contains(",\(http),\(tls),le=\"+Inf\"} 2\n") && page.contains(",\(http),\(tls)} 6.4\n"))
    #expect(page.contains("istio_response_bytes_sum{") && page.contains(",\(http),\(tls)} 10000\n"))
    let grpc = "request_protocol=\"grpc\",response_code=\"200\",response_flags=\"-\",\(tls)"
    #expect(page.contains(",\(grpc),grpc_response_status=\"5\"} 3\n"))
    #expect(page.contains(",\(grpc),grpc_response_status=\"5\"} 4\n"))
    #expect(page.contains("apus_mirrors_total{outcome=\"answered\"} 1\n"))
    #expect(page.contains("apus_request_records_dropped 7\n"))
  }

  @Test("what nobody knows is told as unknown")
  func unknown() {
    var record = RequestRecord(
      source: RequestParty(.init()), at: SocketAddress("10.244.1.2:40000")!, method: "", path: "",
      authority: "", version: "HTTP/1.1")
    record.kind = .unread
    let labels = RequestKey(record).labels
    let known = ["reporter", "request_protocol", "response_code", "response_flags"]
    #expect(labels.filter { !known.contains($0.name) }.allSatisfy { $0.value == "unknown" })
    #expect(labels.first { $0.name == "response_code" }?.value == "0")
  }

  @Test("an application that invents statuses makes no series, and series are bounded with true sums")
  func bounds() {
    #expect(RequestKey(Self.record(777)).labels.contains { $0.value == "7xx" })
    #expect(RequestKey(Self.record(299)) == RequestKey(Self.record(298)))
    let table = RequestTable(limit: 2)
    table.count(["a", "b", "c", "d", "a"].map { Self.record(from: $0) })
    var text = MetricsText()
    table.write(into: &text)
    let totals = text.text.split(separator: "\n").filter { $0.hasPrefix("istio_requests_total{") }
    #expect(totals.compactMap { $0.split(separator: " ").last }.sorted() == ["1", "2", "2"])
    #expect(totals.contains { $0.contains("source_workload=\"other\"") && $0.hasSuffix(" 2") })
    #expect(text.text.contains("apus_request_series_overflow_total 2\n"))
  }
}
