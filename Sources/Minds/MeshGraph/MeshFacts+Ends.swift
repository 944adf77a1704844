import MeshModel

/// Which node of the graph an end of an edge is.
extension MeshFacts {
  /// All callers and hosts of whom the mesh knows nothing.
  static let outside = "outside"

  /// A caller: by its owner; one of another mesh by its identity.
  func source(_ party: ObservedParty) -> String {
    let id = "\(party.namespace)/\(party.workload)"
    if owners[id] != nil { return id }
    if !party.identity.isEmpty, party.workload.isEmpty { return "\(Self.outside)/\(party.identity)" }
    return party.workload.isEmpty ? Self.outside : id
  }

  /// What was called: by its owner; what was not reached by the first that stands behind the service. A
  /// waypoint is nobody's destination, but that of those before whom it stands.
  func destination(_ party: ObservedParty, service: String) -> String {
    let id = "\(party.namespace)/\(party.workload)"
    if let owner = owners[id], owner.kind != "Waypoint" { return id }
    if let key = ServiceKey(service) {
      if let first = backing[key]?.first { return first }
      return "\(key.namespace)/\(key.hostname.prefix { $0 != "." })"
    }
    if let waypoint = owners[id]?.identities.first.flatMap({
      WaypointName(account: $0.serviceAccount, in: $0.namespace)
    }), let first = owners(of: waypoint).first {
      return first
    }
    return party.workload.isEmpty ? Self.outside : id
  }

  /// Those of an account, in the order of their names.
  func owners(of waypoint: WaypointName) -> [String] {
    owners.filter { $0.value.waypoint == waypoint || $0.value.has(waypoint) }.keys.sorted()
  }
}

extension MeshFacts.Owner {
  /// Its pods speak under the account.
  func has(_ account: WaypointName) -> Bool {
    identities.contains { $0.namespace == account.namespace && $0.serviceAccount == account.serviceAccount }
  }
}
