public import MeshGraph

/// Who talks to whom, a row for each edge of the control plane's graph.
public struct EdgeListing: Hashable, Sendable {
  /// What the busiest is.
  public enum Order: String, Sendable, CaseIterable {
    case rate, errors, latency, bytes, denials, name
  }

  public var order: Order
  /// Only edges of which a text says this; empty for all.
  public var filter: String
  public var scope: NamespaceScope

  public init(order: Order = .rate, filter: String = "", scope: NamespaceScope = NamespaceScope()) {
    self.order = order
    self.filter = filter
    self.scope = scope
  }

  public func listing(_ graph: ServiceGraph) -> Listing {
    let nodes = Dictionary(graph.nodes.map { ($0.id, $0) }) { first, _ in first }
    let rows = graph.edges.filter { scope.holds(title: $0.source) || scope.holds(title: $0.destination) }
      .sorted(by: precedes)
      .map { Self.row($0, nodes[$0.source], graph) }
      .filter(matches)
    return Listing(inOrder: "edges", Self.columns, rows)
  }

  private static let columns: [Listing.Column] = [
    .init("sourceIdentity", "SOURCE IDENTITY", minimum: 14), .init("destination", "DESTINATION", minimum: 14),
    .init("protocol", "PROTO", minimum: 4), .init("rate", "RATE/S", minimum: 5, isNumber: true),
    .init("errorShare", "ERR%", minimum: 4, isNumber: true), .init("p50", "P50", minimum: 5, isNumber: true),
    .init("p99", "P99", minimum: 5, isNumber: true),
    .init("bytesPerSecond", "BYTES/S", minimum: 5, isNumber: true),
    .init("isMutualTLS", "MTLS", minimum: 4),
    .init("deniedPerSecond", "DENIED/S", minimum: 4, isNumber: true),
    .init("failedPerSecond", "FAILED/S", isWide: true, isNumber: true),
    .init("open", "OPEN", isWide: true, isNumber: true), .init("lastDenial", "LAST DENIAL", isWide: true),
    .init("source", "SOURCE", isWide: true), .init("unit", nil), .init("security", nil),
    .init("sentPerSecond", nil), .init("receivedPerSecond", nil), .init("services", nil),
    .init("lastSeen", nil), .init("observer", nil), .init("totals", nil),
  ]

  // MARK: Order and choice

  private func matches(_ row: Listing.Row) -> Bool {
    filter.isEmpty
      || Self.columns.contains { column in
        column.title != nil && row.cell(column.key).text.lowercased().contains(filter.lowercased())
      }
  }

  /// The busiest first, then by name, so that rows stay where they are while nothing changes.
  private func precedes(_ one: ServiceGraph.Edge, _ other: ServiceGraph.Edge) -> Bool {
    let (mine, theirs) = (weight(one), weight(other))
    return mine == theirs ? one.id < other.id : mine > theirs
  }

  private func weight(_ edge: ServiceGraph.Edge) -> Double {
    switch order {
    case .rate: edge.rate
    case .errors: edge.errorShare
    case .latency: edge.p99 ?? -1
    case .bytes: edge.sentPerSecond + edge.receivedPerSecond
    case .denials: edge.deniedPerSecond
    case .name: 0
    }
  }

  // MARK: Rows

  private static func row(
    _ edge: ServiceGraph.Edge, _ source: ServiceGraph.Node?, _ graph: ServiceGraph
  ) -> Listing.Row {
    let identity = source?.identities.first
    let bytes = edge.sentPerSecond + edge.receivedPerSecond
    let denial = edge.lastDenial.map { $0.policy ?? $0.reason }
    var values: [String: JSONTree] = [
      "source": .text(edge.source), "sourceIdentity": JSONTree(identity),
      "destination": .text(edge.destination), "protocol": .text(edge.protocol), "rate": .number(edge.rate),
      "errorShare": .number(edge.errorShare), "p50": edge.p50.map { .number($0) } ?? .null,
      "p99": edge.p99.map { .number($0) } ?? .null, "bytesPerSecond": .number(bytes),
      "isMutualTLS": .boolean(edge.security == "mutual-tls"), "security": .text(edge.security),
      "deniedPerSecond": .number(edge.deniedPerSecond), "failedPerSecond": .number(edge.failedPerSecond),
      "open": .number(Double(edge.open)), "unit": .text(edge.unit),
      "sentPerSecond": .number(edge.sentPerSecond), "receivedPerSecond": .number(edge.receivedPerSecond),
    ]
    values["lastDenial"] = edge.lastDenial.map { JSONTree(encoding: $0) } ?? .null
    values["services"] = JSONTree(edge.services)
    values["lastSeen"] = .number(Double(edge.lastSeen))
    values["observer"] = .text(edge.observer)
    values["totals"] = JSONTree(encoding: edge.totals)
    return Listing.Row(
      values,
      cells: [
        "sourceIdentity": caller(identity, edge.source, graph.trustDomain),
        "rate": Cell(Figure.rate(edge.rate), edge.rate == 0 ? .faint : .plain),
        "errorShare": Cell(Figure.share(edge.errorShare), edge.errorShare > 0 ? .bad : .plain),
        "p50": Cell(edge.p50.map(Figure.milliseconds) ?? "-"),
        "p99": Cell(edge.p99.map(Figure.milliseconds) ?? "-"), "bytesPerSecond": Cell(Figure.bytes(bytes)),
        "isMutualTLS": security(edge.security),
        "deniedPerSecond": Cell(Figure.rate(edge.deniedPerSecond), edge.deniedPerSecond > 0 ? .bad : .faint),
        "failedPerSecond": Cell(Figure.rate(edge.failedPerSecond), edge.failedPerSecond > 0 ? .bad : .faint),
        "lastDenial": Cell(denial ?? "-", denial == nil ? .plain : .bad),
      ])
  }

  /// `namespace/account` of the mesh's own identities; whole, those of others; the name of who has none.
  private static func caller(_ identity: String?, _ source: String, _ trustDomain: String) -> Cell {
    guard let identity else { return Cell("\(source) (none)", .warning) }
    let parts = identity.split(separator: "/", omittingEmptySubsequences: true)
    guard parts.count == 6, parts[1] == trustDomain else { return Cell(identity) }
    return Cell("\(parts[3])/\(parts[5])")
  }

  private static func security(_ security: String) -> Cell {
    switch security {
    case "mutual-tls": Cell("yes", .good)
    case "plaintext": Cell("no", .bad)
    default: Cell(security, .warning)
    }
  }
}

/// Numbers as short as they can be read.
enum Figure {
  static func rate(_ value: Double) -> String { value == 0 ? "0" : short(value) }

  static func share(_ value: Double) -> String { value == 0 ? "0" : short(value * 100) }

  static func milliseconds(_ value: Double) -> String {
    value < 1_000 ? "\(short(value))ms" : "\(short(value / 1_000))s"
  }

  static func bytes(_ value: Double) -> String {
    var value = value
    for unit in ["", "K", "M", "G"] {
      if value < 1_000 { return unit.isEmpty ? "\(Int(value.rounded()))" : short(value) + unit }
      value /= 1_000
    }
    return short(value) + "T"
  }

  /// Three digits that count, or as many as stand before the point.
  static func short(_ value: Double) -> String {
    let places = value < 10 ? 2 : value < 100 ? 1 : 0
    let scale = [1.0, 10.0, 100.0][places]
    let scaled = Int((value * scale).rounded())
    guard places > 0 else { return "\(scaled)" }
    let fraction = String(scaled % Int(scale))
    let padded = String(repeating: "0", count: places - fraction.count) + fraction
    return "\(scaled / Int(scale)).\(padded)"
  }
}
