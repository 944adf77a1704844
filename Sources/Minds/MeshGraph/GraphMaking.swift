import MeshModel

/// Draws what all reporters say together as one graph, each connection once.
///
/// A request through a waypoint is seen by three: the source's agent, the waypoint and the destination's
/// agent. The one that knows most is believed for what flowed (a waypoint, then the destination's agent, then
/// the source's), and for what did not the one that saw most of it: a connection that could not be opened is
/// known to its source alone.
struct GraphMaking {
  /// Who has seen something, the best witness first.
  enum Witness: Int, CaseIterable {
    case waypoint, destination, source

    init(_ direction: ConnectionRecord.Direction) {
      switch direction {
      case .waypoint: self = .waypoint
      case .inbound: self = .destination
      case .outbound: self = .source
      }
    }

    var name: String {
      switch self {
      case .waypoint: "waypoint"
      case .destination: "destination"
      case .source: "source"
      }
    }
  }

  struct Ends: Hashable {
    var source: String
    var destination: String
  }

  /// What one kind of witness says of an edge; of several agents and replicas together.
  struct Testimony {
    var totals = EdgeCounts()
    var recent = EdgeCounts()
    /// By the seconds that each reporter's window has.
    var rates = Rates()
    var open: UInt64 = 0
    var lastSeen: Int64 = 0
    var carries: Set<ObservedEdge.Carried> = []
    var isSecured = false
    var isPlain = false
    var services: Set<String> = []

    /// Something flowed, or is open.
    var hasTraffic: Bool { totals.opened > 0 || totals.requests > 0 || open > 0 }
  }

  struct Rates {
    var flowing = 0.0
    var errors = 0.0
    var denied = 0.0
    var failed = 0.0
    var sent = 0.0
    var received = 0.0
  }

  let facts: MeshFacts
  private(set) var edges: [Ends: [Witness: Testimony]] = [:]

  init(_ log: ReportLog, facts: MeshFacts) {
    self.facts = facts
    for entry in log.entries.values { add(entry) }
  }

  private mutating func add(_ entry: ReportLog.Entry) {
    let recent = entry.recent
    for edge in entry.report.edges {
      let key = edge.key
      let ends = Ends(
        source: facts.source(key.source),
        destination: facts.destination(key.destination, service: key.service))
      var said = edges[ends]?[Witness(key.direction)] ?? Testimony()
      said.totals.add(edge.counts)
      said.open &+= edge.open
      said.lastSeen = max(said.lastSeen, edge.lastSeen)
      if edge.counts.opened > 0 || edge.counts.requests > 0 { said.carries.insert(key.carries) }
      if key.isMutualTLS { said.isSecured = true } else { said.isPlain = true }
      if let service = ServiceKey(key.service) { said.services.insert(service.hostname) }
      if let recent, let added = recent.added[key] {
        said.recent.add(added)
        said.rates.add(added, over: Double(recent.span) / 1_000)
      }
      edges[ends, default: [:]][Witness(key.direction)] = said
    }
  }

  // MARK: Edges

  func edge(_ ends: Ends, _ said: [Witness: Testimony], _ denial: ServiceGraph.Denial?) -> ServiceGraph.Edge?
  {
    let order = Witness.allCases.filter { said[$0] != nil }
    guard let best = order.first(where: { said[$0]?.hasTraffic == true }) ?? order.first,
      let main = said[best]
    else { return nil }
    let all = said.values
    let hasRequests = main.totals.requests > 0 || main.carries.contains(.http) || main.carries.contains(.grpc)
    var edge = ServiceGraph.Edge(
      id: "\(ends.source)>\(ends.destination)", source: ends.source, destination: ends.destination,
      protocol: main.carries.contains(.grpc) ? "grpc" : hasRequests ? "http" : "tcp",
      security: Self.security(all), unit: hasRequests ? "requests" : "connections",
      lastSeen: all.map(\.lastSeen).max() ?? 0, observer: best.name)
    edge.services = Set(all.flatMap(\.services)).sorted()
    edge.rate = main.rates.flowing
    edge.errorShare = main.rates.flowing > 0 ? min(1, main.rates.errors / main.rates.flowing) : 0
    edge.p50 = LatencyScale.quantile(0.5, of: main.recent.latency)
    edge.p99 = LatencyScale.quantile(0.99, of: main.recent.latency)
    edge.sentPerSecond = main.rates.sent
    edge.receivedPerSecond = main.rates.received
    edge.open = all.map(\.open).max() ?? 0
    edge.deniedPerSecond = all.map(\.rates.denied).max() ?? 0
    edge.failedPerSecond = all.map(\.rates.failed).max() ?? 0
    edge.lastDenial = denial
    edge.totals = ServiceGraph.Totals(
      opened: main.totals.opened, requests: main.totals.requests, errors: main.totals.errors,
      denied: all.map(\.totals.denied).max() ?? 0, failed: all.map(\.totals.failed).max() ?? 0,
      sent: main.totals.sent, received: main.totals.received)
    return edge
  }

  /// Of all that was tried: what came in plaintext and was refused for it is plaintext.
  private static func security(_ said: some Collection<Testimony>) -> String {
    let (secured, plain) = (said.contains(where: \.isSecured), said.contains(where: \.isPlain))
    return secured && plain ? "mixed" : secured ? "mutual-tls" : "plaintext"
  }
}

extension GraphMaking.Rates {
  mutating func add(_ added: EdgeCounts, over seconds: Double) {
    guard seconds > 0 else { return }
    flowing += (Double(added.opened) + Double(added.requests)) / seconds
    errors += Double(added.errors) / seconds
    denied += Double(added.denied) / seconds
    failed += Double(added.failed) / seconds
    sent += Double(added.sent) / seconds
    received += Double(added.received) / seconds
  }
}
