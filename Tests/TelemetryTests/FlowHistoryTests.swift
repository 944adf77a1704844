import MeshModel
import Testing

@testable import Telemetry

@Suite("The flow history")
struct FlowHistoryTests {
  private static let second: Int64 = 1_000_000_000

  static func record(
    by account: String?, from address: String = "10.244.1.2:40000", owner: String = "web",
    _ outcome: ConnectionRecord.Outcome = .complete, direction: ConnectionRecord.Direction = .inbound
  ) throws -> ConnectionRecord {
    let identity = try account.map { try Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/\($0)") }
    var source = ConnectionRecord.Party(
      address: SocketAddress(address), workload: owner.isEmpty ? "" : "\(owner)-1", namespace: "shop",
      identity: identity)
    source.owner = owner
    var destination = ConnectionRecord.Party(
      address: SocketAddress("10.244.2.2:8080"), workload: "cart-7", namespace: "shop",
      identity: try Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/cart-sa"))
    destination.owner = "cart"
    return ConnectionRecord(
      direction: direction, source: source, destination: destination, isMutualTLS: identity != nil,
      outcome: outcome)
  }

  @Test("connections of one caller are one line, whatever their pods and ports")
  func aggregation() throws {
    let history = FlowHistory(now: 0)
    history.note(try Self.record(by: "web-sa", from: "10.244.1.2:40000"), at: 5 * Self.second)
    history.note(try Self.record(by: "web-sa", from: "10.244.1.9:40001"), at: 6 * Self.second)
    history.note(
      try Self.record(by: "web-sa", .refused(.policy("shop/no-web"), peer: false)), at: 7 * Self.second)
    #expect(
      history.page(node: "node-1") == """
        {"kind":"apus-flows","version":1,"node":"node-1","since":"1970-01-01T00:00:00Z","evicted":0,"flows":[
        {"source":{"identity":"spiffe://cluster.local/ns/shop/sa/web-sa","workload":"shop/web",\
        "address":"10.244.1.2"},"destination":{"identity":"spiffe://cluster.local/ns/shop/sa/cart-sa",\
        "workload":"shop/cart","address":"10.244.2.2"},"port":8080,"mutualTLS":true,"allowed":2,"denied":1,\
        "lastSeen":"1970-01-01T00:00:07Z","last":"denied","lastDenial":"policy:shop/no-web"}
        ]}

        """)
  }

  @Test("callers in plaintext are told apart by workload, and by address when that is not known")
  func plaintext() throws {
    let history = FlowHistory(now: 0)
    for last in 1...3 {
      history.note(try Self.record(by: nil, from: "10.244.1.\(last):40000"), at: 0)
      history.note(try Self.record(by: nil, from: "192.0.2.\(last):40000", owner: ""), at: 0)
    }
    let lines = history.page(node: "n").split(separator: "\n").filter { $0.contains("\"source\"") }
    #expect(lines.count == 4)
    #expect(
      lines.filter { $0.contains("\"workload\":\"shop/web\"") && $0.contains("\"allowed\":3") }.count == 1)
    for last in 1...3 {
      #expect(lines.filter { $0.contains("{\"address\":\"192.0.2.\(last)\"}") }.count == 1)
    }
    #expect(lines == lines.sorted())
  }

  @Test("only what policy decided here is remembered")
  func decisions() throws {
    let history = FlowHistory(now: 0)
    history.note(try Self.record(by: "web-sa", direction: .outbound), at: 0)
    history.note(try Self.record(by: "web-sa", .refused(.connectRefused, peer: false)), at: 0)
    history.note(try Self.record(by: "web-sa", .refused(.notReady, peer: false)), at: 0)
    history.note(try Self.record(by: "web-sa", .failed("the client left")), at: 0)
    #expect(!history.page(node: "n").contains("source"))
    var broken = try Self.record(by: "web-sa", .failed("reset"))
    broken.bytesReceived = 1
    history.note(broken, at: 0)
    #expect(history.page(node: "n").contains("\"allowed\":1"))
  }

  @Test("connections that live are told too, and not remembered twice")
  func live() throws {
    let history = FlowHistory(now: 0)
    let record = try Self.record(by: "web-sa")
    history.note(record, at: 0)
    var flow = Flow(
      try #require(Flow.Key(source: record.source, destination: record.destination, isMutualTLS: true)))
    flow.add(.allowed, at: 9, from: nil, to: nil)
    for _ in 0..<2 {
      let page = history.page(node: "n", live: [flow])
      #expect(page.contains("\"allowed\":2") && page.contains("00:00:09Z"))
    }
    #expect(history.page(node: "n").contains("\"allowed\":1"))
  }

  @Test("it is bounded, and counts what it forgets")
  func bounds() throws {
    let registry = MetricRegistry()
    let history = FlowHistory(limit: 8, now: 0)
    registry.add { history.write(into: &$0) }
    for number in 0..<20 { history.note(try Self.record(by: "a\(number)"), at: 0) }
    #expect(history.page(node: "n").contains("\"evicted\":14,"))
    #expect(registry.page().contains("apus_flows 6\n"))
    #expect(registry.page().contains("apus_flows_evicted_total 14\n"))
  }

  @Test("what a caller may have chosen cannot break the page")
  func hostile() throws {
    let history = FlowHistory(now: 0)
    history.note(try Self.record(by: "web-sa", owner: "a\"\n]}"), at: 0)
    let lines = history.page(node: "n\"").split(separator: "\n")
    #expect(lines.count == 3 && lines[1].contains("shop/a\\\"\\n]}"))
  }
}
