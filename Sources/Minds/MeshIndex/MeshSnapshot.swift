public import MeshModel

/// The mesh as one agent knows it, at one moment. Immutable: workers share it without a lock, and what they
/// ask of it per connection costs the same whatever the number of services and workloads.
public final class MeshSnapshot: Sendable {
  /// Counts snapshots of one `MeshState`.
  public let revision: UInt64
  /// Changes whenever what binds some workload may have: a policy, or a workload's list of policies. Live
  /// connections judged under another value are judged again.
  public let policyRevision: UInt64
  /// False until the first complete delivery of addresses; until then every route refuses.
  public let isSynced: Bool

  let tables: MeshTables

  /// A mesh of which nothing is known yet: everything is refused.
  public static let unknown = MeshSnapshot(revision: 0, policyRevision: 0, tables: MeshTables())

  init(revision: UInt64, policyRevision: UInt64, tables: MeshTables) {
    self.revision = revision
    self.policyRevision = policyRevision
    self.tables = tables
    isSynced = tables.hasAddresses
  }

  /// What is logged, counted and traced.
  public var telemetry: TelemetryRules { tables.telemetry }

  /// The workload that owns the address.
  public func workload(at address: IPAddress) -> Workload? { tables.byAddress[address]?.workload }

  public func workload(uid: String) -> Workload? { tables.workloads[uid]?.workload }

  /// The pod as enrollment names it; `cluster` is the mesh's name for the cluster.
  public func pod(_ name: String, namespace: String, cluster: String = "Kubernetes") -> Workload? {
    workload(uid: "\(cluster)//Pod/\(namespace)/\(name)")
  }

  public func service(_ key: ServiceKey) -> Service? { tables.services[key]?.service }

  /// The service that has the virtual address. Where several do: the client's namespace first, then the first
  /// by namespace and host name.
  public func service(at address: IPAddress, for namespace: String? = nil) -> Service? {
    entry(at: address, for: namespace)?.service
  }

  /// How many workloads back the service, and how many of them are usable now.
  public func endpointCounts(of key: ServiceKey) -> (total: Int, usable: Int)? {
    tables.services[key].map { ($0.endpointCount, $0.usableCount) }
  }

  /// Where a connection of `source` to `destination` goes.
  public func route(to destination: SocketAddress, from source: Workload) -> Route {
    let isReserved = MeshPort.isReserved(destination.port)
    if destination.ip.isLoopback || source.addresses.contains(destination.ip) {
      return isReserved ? .refuse(.reservedPort) : .local
    }
    guard isSynced else { return .refuse(.notReady) }
    if let workload = workload(at: destination.ip) {
      guard !isReserved else { return .refuse(.reservedPort) }
      if let waypoint = workload.waypoint, !isWaypoint(source, of: waypoint) {
        return .waypoint(WaypointRoute(waypoint: waypoint, destination: destination, workload: workload))
      }
      let endpoint = Endpoint(workload, at: destination)
      return workload.tunnelProtocol == .hbone ? .direct(endpoint) : .plaintext(endpoint)
    }
    // An address outside the mesh may use these numbers for something else.
    guard let entry = entry(at: destination.ip, for: source.namespace) else { return .passthrough }
    guard !isReserved else { return .refuse(.reservedPort) }
    guard let table = entry.table(for: destination.port) else { return .refuse(.unknownPort) }
    if let waypoint = entry.service.waypoint, !isWaypoint(source, of: waypoint) {
      return .waypoint(
        WaypointRoute(waypoint: waypoint, destination: destination, service: entry.service.key))
    }
    guard !table.isEmpty else { return .refuse(.notReady) }
    return .service(
      ServiceRoute(service: entry.service, port: destination.port, family: destination.ip.family))
  }

  /// An endpoint of the route's service as this snapshot knows it, at random and all equally likely; nil when
  /// none is left. `excluding` lists the addresses already tried for this connection: a handful, not a set.
  public func pick(
    _ route: ServiceRoute, excluding: [SocketAddress] = [], using random: inout some RandomNumberGenerator
  ) -> Endpoint? {
    guard let entry = tables.services[route.service.key], let table = entry.table(for: route.port) else {
      return nil
    }
    guard let (slot, address) = table.pick(route.family, excluding: excluding, using: &random) else {
      return nil
    }
    return Endpoint(slot.entry.workload, at: address, alternatives: entry.service.subjectAltNames)
  }

  /// A waypoint of the route; nil when none is usable. Its replicas take turns: who counts up by one gets all
  /// of them equally often, as long as they stay the same. `excluding` lists where tunnels failed already.
  public func pick(_ route: WaypointRoute, excluding: [SocketAddress] = [], turn: UInt) -> Endpoint? {
    guard let entry = tables.services[route.waypoint],
      let found = entry.waypoints?.pick(route.destination.ip.family, excluding: excluding, turn: turn)
    else { return nil }
    return Endpoint(
      workload: found.slot.entry.workload, address: route.destination,
      identities: entry.service.subjectAltNames, tunnel: .hbone, tunnelAddress: found.address)
  }

  /// Every usable endpoint of a port of the service, once each; IPv4 where an endpoint has both. For who
  /// chooses among them by rules of its own.
  public func endpoints(of key: ServiceKey, port: UInt16) -> [Endpoint] {
    guard let entry = tables.services[key], let table = entry.table(for: port) else { return [] }
    return table.all.map { slot, address in
      Endpoint(slot.entry.workload, at: address, alternatives: entry.service.subjectAltNames)
    }
  }

  /// What binds the workload: its waypoint, policies of the mesh, of its namespace, and those it names. Those
  /// it names are indexed anew, so who asks for every connection keeps the answer.
  public func authorizations(for workload: Workload) -> ApplicablePolicies {
    var policies = tables.policies.binding(workload)
    policies.waypoints = workload.waypoint.map(identities(ofWaypoint:))
    return policies
  }

  /// Whom peers of workloads behind the waypoint must be; nobody while its service is unknown.
  public func identities(ofWaypoint key: ServiceKey) -> [Identity] {
    tables.services[key]?.service.subjectAltNames ?? []
  }

  /// The waypoint itself goes straight to what is behind it.
  private func isWaypoint(_ source: Workload, of key: ServiceKey) -> Bool {
    identities(ofWaypoint: key).contains(source.identity)
  }

  private func entry(at address: IPAddress, for namespace: String?) -> ServiceEntry? {
    guard let keys = tables.byVirtualAddress[address] else { return nil }
    let key = keys.first { $0.namespace == namespace } ?? keys.first
    return key.flatMap { tables.services[$0] }
  }
}
