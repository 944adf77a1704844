public import MeshModel

/// Who tells what it has seen, as its bearer token says.
public enum Reporter: Hashable, Sendable {
  case agent(node: String)
  /// A replica of a waypoint, by its pod.
  case waypoint(WaypointName, pod: String)

  public var name: String {
    switch self {
    case .agent(let node): node
    case .waypoint(let name, let pod): "\(name.namespace)/\(pod)"
    }
  }
}

/// What a reporter is believed: an agent for the pods of its node, a waypoint for those before whom it
/// stands. What a stolen token could tell besides is not drawn.
struct Belief {
  let facts: MeshFacts

  /// The mesh has such a reporter. A node without pods may speak: it has nothing to tell but itself.
  func knows(_ reporter: Reporter) -> Bool {
    switch reporter {
    case .agent: true
    case .waypoint(let name, let pod):
      facts.workloads["\(name.namespace)/\(pod)"].flatMap(facts.waypoint(of:)) == name
    }
  }

  func believes(_ key: ObservedEdge.Key, of reporter: Reporter) -> Bool {
    believes(key.direction, key.source, key.destination, key.service, of: reporter)
  }

  func believes(_ denial: ObservedDenial, of reporter: Reporter) -> Bool {
    believes(denial.direction, denial.source, denial.destination, denial.service, of: reporter)
  }

  private func believes(
    _ direction: ConnectionRecord.Direction, _ source: ObservedParty, _ destination: ObservedParty,
    _ service: String, of reporter: Reporter
  ) -> Bool {
    switch (reporter, direction) {
    case (.agent(let node), .outbound): runs(source, on: node)
    case (.agent(let node), .inbound): runs(destination, on: node)
    case (.waypoint(let name, _), .waypoint):
      facts.owners[facts.destination(destination, service: service)].map {
        $0.waypoint == name || $0.has(name)
      } ?? false
    // A waypoint's own listener is an inbound one: peers that it turns away.
    case (.waypoint, .inbound), (.waypoint, .outbound), (.agent, .waypoint): false
    }
  }

  private func runs(_ party: ObservedParty, on node: String) -> Bool {
    facts.owners["\(party.namespace)/\(party.workload)"]?.nodes.contains(node) ?? false
  }

  func believes(_ pod: ObservedPod, of reporter: Reporter) -> Bool {
    guard case .agent(let node) = reporter else { return false }
    return facts.workloads[pod.name]?.node == node
  }

  func believes(_ certificate: ObservedCertificate, of reporter: Reporter) -> Bool {
    guard let identity = try? Identity(spiffe: certificate.identity) else { return false }
    switch reporter {
    case .agent(let node):
      return facts.owners.values.contains { $0.nodes.contains(node) && $0.identities.contains(identity) }
    case .waypoint(let name, _):
      return identity.namespace == name.namespace && identity.serviceAccount == name.name
    }
  }
}
