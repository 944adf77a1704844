@testable import MeshGraph
import Testing

@testable import Inspecting

@Suite struct TopTests {
  static func graph() -> ServiceGraph {
    var graph = ServiceGraph(time: 1, trustDomain: "cluster.local")
    var web = ServiceGraph.Node(
      id: "production/web", namespace: "production", name: "web", kind: "Deployment")
    web.identities = ["spiffe://cluster.local/ns/production/sa/web-sa"]
    var foreign = ServiceGraph.Node(id: "outside/x", namespace: "", name: "x", kind: "Outside")
    foreign.identities = ["spiffe://other.org/ns/a/sa/b"]
    graph.nodes = [web, foreign]
    var order = ServiceGraph.Edge(
      id: "1", source: "production/web", destination: "production/order", protocol: "http",
      security: "mutual-tls", unit: "requests", lastSeen: 1, observer: "waypoint")
    order.rate = 12.34
    order.errorShare = 0.015
    order.p50 = 3.1
    order.p99 = 1_234
    order.sentPerSecond = 1_000
    order.receivedPerSecond = 1_345_678
    var pay = ServiceGraph.Edge(
      id: "2", source: "outside/x", destination: "production/pay", protocol: "tcp", security: "mixed",
      unit: "connections", lastSeen: 1, observer: "destination")
    pay.deniedPerSecond = 0.4
    pay.lastDenial = ServiceGraph.Denial(
      time: 1, source: "outside/x", destination: "production/pay", reason: "no-policy-allows",
      observer: "destination")
    let legacy = ServiceGraph.Edge(
      id: "3", source: "legacy/old", destination: "legacy/db", protocol: "tcp", security: "plaintext",
      unit: "connections", lastSeen: 1, observer: "source")
    graph.edges = [legacy, order, pay]
    return graph
  }

  @Test func theBusiestIsFirst() {
    #expect(
      EdgeListing().listing(Self.graph()).table(isWide: false).squeezed == [
        "SOURCE IDENTITY|DESTINATION|PROTO|RATE/S|ERR%|P50|P99|BYTES/S|MTLS|DENIED/S",
        "production/web-sa|production/order|http|12.3|1.50|3.10ms|1.23s|1.35M|yes|0",
        "spiffe://other.org/ns/a/sa/b|production/pay|tcp|0|0|-|-|0|mixed|0.40",
        "legacy/old (none)|legacy/db|tcp|0|0|-|-|0|no|0",
      ])
  }

  @Test(arguments: [
    (EdgeListing.Order.denials, ["pay", "order", "db"]), (.errors, ["order", "pay", "db"]),
    (.latency, ["order", "pay", "db"]), (.bytes, ["order", "pay", "db"]), (.name, ["order", "pay", "db"]),
  ]) func ordersAsAsked(_ order: EdgeListing.Order, _ names: [String]) {
    let rows = EdgeListing(order: order).listing(Self.graph()).rows
    #expect(rows.map { $0.cell("destination").text.split(separator: "/").last.map(String.init) } == names)
  }

  @Test func filtersByWhatColumnsSayAndByNamespace() {
    #expect(EdgeListing(filter: "OTHER.org").listing(Self.graph()).rows.count == 1)
    #expect(EdgeListing(filter: "no-policy").listing(Self.graph()).rows.count == 1)
    #expect(EdgeListing(filter: "nobody").listing(Self.graph()).rows.isEmpty)
    #expect(EdgeListing(scope: NamespaceScope("legacy")).listing(Self.graph()).rows.count == 1)
    #expect(EdgeListing(scope: NamespaceScope("production")).listing(Self.graph()).rows.count == 2)
  }

  @Test(arguments: [
    (0.004, "0.00"), (1.0, "1.00"), (9.999, "10.00"), (12.34, "12.3"), (99.96, "100.0"), (123.4, "123"),
  ]) func numbersAreShort(_ value: Double, _ text: String) {
    #expect(Figure.short(value) == text)
  }

  @Test(arguments: [(0.4, "0"), (999, "999"), (1_000, "1.00K"), (1_345_678, "1.35M"), (5e15, "5000T")])
  func bytesHaveUnits(_ value: Double, _ text: String) {
    #expect(Figure.bytes(value) == text)
  }

  // MARK: The screen

  private func screen() -> TopScreen {
    var screen = TopScreen(EdgeListing(), title: "apus top")
    screen.take(Self.graph())
    return screen
  }

  private func lines(_ screen: inout TopScreen, rows: Int = 10, columns: Int = 100) -> [String] {
    screen.lines(rows: rows, Table.Style(width: columns))
  }

  @Test func fillsTheTerminalExactly() {
    var screen = screen()
    for (rows, columns) in [(24, 80), (10, 40), (3, 20), (2, 10), (1, 5), (0, 5)] {
      let lines = lines(&screen, rows: rows, columns: columns)
      #expect(lines.count == rows)
      #expect(lines.allSatisfy { $0.count <= columns }, "\(rows) \(columns)")
    }
    #expect(lines(&screen)[0] == "apus top: 3 edges over 10.0 s by rate")
  }

  @Test func keysSortFilterScrollAndLeave() {
    var screen = screen()
    #expect(screen.press(Array("d".utf8)) == .nothing)
    #expect(lines(&screen)[0].hasSuffix("by denials"))
    _ = screen.press(Array("/payx\u{7f}\r".utf8))
    #expect(lines(&screen)[0] == "apus top: 1 of 3 edges over 10.0 s by denials")
    // While a filter is typed, letters are letters.
    _ = screen.press(Array("/q".utf8))
    #expect(screen.edges.filter == "payq")
    _ = screen.press([0x1b])
    #expect(screen.edges.filter.isEmpty)
    let whole = lines(&screen, rows: 5)
    _ = screen.press(Array("\u{1b}[B".utf8))
    let scrolled = lines(&screen, rows: 5)
    #expect(scrolled[2] == whole[3])
    // No further than the end, and back.
    _ = screen.press(Array("jjjjjjjj".utf8))
    _ = lines(&screen, rows: 5)
    _ = screen.press(Array("\u{1b}[A\u{1b}[A".utf8))
    #expect(lines(&screen, rows: 5) == whole)
    #expect(screen.press(Array("q".utf8)) == .leave)
    #expect(screen.press([3]) == .leave)
    _ = screen.press(Array("/".utf8))
    #expect(screen.press([3]) == .leave)
  }

  @Test func staysAsItIsWhileItIsPausedAndTellsOfTrouble() {
    var screen = screen()
    _ = screen.press(Array(" ".utf8))
    screen.take(ServiceGraph(time: 2, trustDomain: "cluster.local"))
    #expect(lines(&screen)[0] == "apus top: 3 edges over 10.0 s by rate; paused")
    _ = screen.press(Array(" ".utf8))
    screen.take(ServiceGraph(time: 3, trustDomain: "cluster.local"))
    screen.problem = "the control plane does not tell: gone"
    #expect(
      lines(&screen)[0].hasPrefix("apus top: 0 edges over 10.0 s by rate; the control plane does not tell"))
    var fresh = TopScreen(EdgeListing(), title: "apus top")
    #expect(lines(&fresh)[0] == "apus top: asking the control plane")
  }
}
