import MeshModel

extension ServiceGraph {
  /// `time`: seconds since 1970.
  public init(_ log: ReportLog, knowing facts: MeshFacts, trustDomain: String, time: Int64) {
    self.init(time: time, trustDomain: trustDomain)
    let making = GraphMaking(log, facts: facts)
    var denials: [GraphMaking.Ends: Denial] = [:]
    for denial in Self.denials(log, knowing: facts) {
      let ends = GraphMaking.Ends(source: denial.source, destination: denial.destination)
      // The newest come first.
      if denials[ends] == nil { denials[ends] = denial }
    }
    edges = making.edges.compactMap { making.edge($0.key, $0.value, denials[$0.key]) }
      .sorted { $0.id < $1.id }
    nodes = Self.nodes(facts, log, ends: Set(edges.flatMap { [$0.source, $0.destination] }))
    forgotten = log.entries.values.reduce(0) { $0 &+ $1.report.forgotten }
  }

  // MARK: Nodes

  /// Problems of one node that are told.
  private static let problemLimit = 10

  private static func nodes(_ facts: MeshFacts, _ log: ReportLog, ends: Set<String>) -> [Node] {
    let problems = Self.problems(facts, log)
    var nodes: [Node] = []
    for (id, owner) in facts.owners where owner.kind != "Waypoint" || ends.contains(id) {
      var node = Node(id: id, namespace: owner.namespace, name: owner.name, kind: owner.kind)
      node.identities = owner.identities.map(\.description).sorted()
      node.pods = owner.pods
      node.podsReady = owner.podsReady
      node.isCaptured = owner.isCaptured
      node.waypoint = owner.waypoint?.description
      node.services = owner.services.map(\.hostname)
      node.policies = owner.policies
      if let waypoint = owner.waypoint,
        let configuration = facts.waypoints.first(where: { $0.waypoint == waypoint })
      {
        node.policies = Set(node.policies + configuration.authorizations.map(\.key)).sorted()
      }
      node.problems = Array((problems[id] ?? []).prefix(problemLimit))
      nodes.append(node)
    }
    for id in ends where facts.owners[id] == nil { nodes.append(stranger(id)) }
    return nodes.sorted { $0.id < $1.id }
  }

  private static func problems(_ facts: MeshFacts, _ log: ReportLog) -> [String: [String]] {
    var problems: [String: [String]] = [:]
    for entry in log.entries.values {
      for pod in entry.report.pods {
        guard let problem = pod.problem, let workload = facts.workloads[pod.name] else { continue }
        let id = "\(workload.namespace)/\(MeshFacts.ownerName(of: workload))"
        problems[id, default: []].append("\(workload.name): \(problem)")
      }
    }
    return problems.mapValues { $0.sorted() }
  }

  /// What an edge leads to or comes from, and the mesh does not have (any more).
  private static func stranger(_ id: String) -> Node {
    if id == MeshFacts.outside {
      return Node(id: id, namespace: "", name: "outside the mesh", kind: "Outside")
    }
    if id.hasPrefix("\(MeshFacts.outside)/spiffe://") {
      let identity = String(id.dropFirst(MeshFacts.outside.utf8.count + 1))
      var node = Node(
        id: id, namespace: "", name: String(identity.dropFirst("spiffe://".utf8.count)), kind: "Outside")
      node.identities = [identity]
      return node
    }
    let parts = id.split(separator: "/", maxSplits: 1).map(String.init)
    return Node(id: id, namespace: parts.first ?? "", name: parts.last ?? id, kind: "Service")
  }

  // MARK: Denials

  /// The latest of all reporters, newest first, each once: what came back to the source's agent is left out
  /// when its denier tells of the same.
  public static func denials(_ log: ReportLog, knowing facts: MeshFacts) -> [Denial] {
    var told: [Denial] = []
    var echoes: [Denial] = []
    for entry in log.entries.values {
      for denial in entry.report.denials {
        let one = Denial(denial, facts)
        if denial.direction == .outbound { echoes.append(one) } else { told.append(one) }
      }
    }
    let known = Set(told.map(Echo.init))
    told += echoes.filter { !known.contains(Echo($0)) }
    return Array(
      told.sorted { ($1.time, $0.source, $0.reason) < ($0.time, $1.source, $1.reason) }
        .prefix(denialLimit))
  }

  /// Denials in one document.
  public static let denialLimit = 500

  private struct Echo: Hashable {
    var source: String
    var destination: String
    var reason: String

    init(_ denial: Denial) {
      source = denial.source
      destination = denial.destination
      reason = denial.reason
    }
  }
}

extension ServiceGraph.Denial {
  init(_ denial: ObservedDenial, _ facts: MeshFacts) {
    time = denial.time
    source = facts.source(denial.source)
    destination = facts.destination(denial.destination, service: denial.service)
    sourceIdentity = denial.source.identity.isEmpty ? nil : denial.source.identity
    sourceAddress = denial.sourceAddress.isEmpty ? nil : denial.sourceAddress
    service = ServiceKey(denial.service)?.hostname
    reason = denial.reason
    if case .policy(let key)? = RefusalReason(denial.reason) { policy = key }
    method = denial.method
    path = denial.path
    observer = GraphMaking.Witness(denial.direction).name
  }
}
