public import MeshModel

/// What the mesh says of its workloads, in the form in which reports are believed and drawn: by what owns the
/// pods, because pods come and go.
public struct MeshFacts: Sendable {
  /// Pods of one owner in one namespace: a node of the graph.
  public struct Owner: Hashable, Sendable {
    public var namespace: String
    public var name: String
    /// `Deployment`, `StatefulSet`, `ReplicaSet`, `Pod`, or `Waypoint`.
    public var kind: String
    public var identities: [Identity] = []
    public var pods = 0
    public var podsReady = 0
    public var isCaptured = false
    /// The waypoint before it, as `namespace/account`.
    public var waypoint: WaypointName?
    /// `namespace/hostname` of the services that it backs.
    public var services: [ServiceKey] = []
    /// The policies that bind it, `namespace/name`.
    public var policies: [String] = []
    /// Where its pods run.
    public var nodes: Set<String> = []

    public var id: String { "\(namespace)/\(name)" }
  }

  public private(set) var owners: [String: Owner] = [:]
  /// Every workload of the mesh, by `namespace/name`.
  public private(set) var workloads: [String: Workload] = [:]
  public private(set) var services: [Service] = []
  /// The owners behind a service, in the order of their names.
  public private(set) var backing: [ServiceKey: [String]] = [:]
  public private(set) var waypoints: [WaypointConfiguration] = []
  public private(set) var policies: [Authorization] = []
  private var waypointNames: Set<WaypointName> = []
  private var waypointServices: [ServiceKey: WaypointName] = [:]

  public init() {}

  /// `kinds`: of owners, by `namespace/name`; of one that is missing nothing is known but its pods.
  public init(
    workloads: [Workload], services: [Service], policies: [Authorization],
    waypoints: [WaypointConfiguration], kinds: [String: String], clusterDomain: String
  ) {
    self.services = services
    self.waypoints = waypoints
    self.policies = policies
    for configuration in waypoints {
      waypointNames.insert(configuration.waypoint)
      waypointServices[configuration.waypoint.service(in: clusterDomain)] = configuration.waypoint
    }
    for workload in workloads { take(workload, kinds) }
    for (id, owner) in owners {
      for key in owner.services { backing[key, default: []].append(id) }
    }
    backing = backing.mapValues { $0.sorted() }
    bind(policies)
  }

  private mutating func take(_ workload: Workload, _ kinds: [String: String]) {
    workloads["\(workload.namespace)/\(workload.name)"] = workload
    let name = Self.ownerName(of: workload)
    let id = "\(workload.namespace)/\(name)"
    var owner = owners[id] ?? Owner(namespace: workload.namespace, name: name, kind: kinds[id] ?? "Pod")
    if isWaypoint(workload) { owner.kind = "Waypoint" }
    if !owner.identities.contains(workload.identity) { owner.identities.append(workload.identity) }
    owner.pods += 1
    owner.podsReady += workload.isHealthy ? 1 : 0
    owner.isCaptured = owner.isCaptured || workload.tunnelProtocol == .hbone
    owner.waypoint = owner.waypoint ?? workload.waypoint.flatMap { waypointServices[$0] }
    for key in workload.services.keys where !owner.services.contains(key) { owner.services.append(key) }
    owner.services.sort { $0.description < $1.description }
    for policy in workload.policies where !owner.policies.contains(policy) { owner.policies.append(policy) }
    if !workload.node.isEmpty { owner.nodes.insert(workload.node) }
    owners[id] = owner
  }

  /// The policies of a namespace and of the mesh bind without being named by a workload.
  private mutating func bind(_ policies: [Authorization]) {
    let wide = policies.filter { $0.scope != .workloadSelector }
    for id in Array(owners.keys) {
      guard var owner = owners[id] else { continue }
      for policy in wide where policy.scope == .global || policy.namespace == owner.namespace {
        if !owner.policies.contains(policy.key) { owner.policies.append(policy.key) }
      }
      owner.policies.sort()
      owners[id] = owner
    }
  }

  public static func ownerName(of workload: Workload) -> String {
    workload.workloadName.isEmpty ? workload.name : workload.workloadName
  }

  /// Whose waypoint the workload is; nil for any other.
  public func waypoint(of workload: Workload) -> WaypointName? {
    guard
      let name = WaypointName(account: workload.identity.serviceAccount, in: workload.identity.namespace),
      waypointNames.contains(name)
    else { return nil }
    return name
  }

  private func isWaypoint(_ workload: Workload) -> Bool { waypoint(of: workload) != nil }

  /// The pods of a waypoint, in the order of their names.
  public func replicas(of waypoint: WaypointName) -> [Workload] {
    workloads.values.filter { self.waypoint(of: $0) == waypoint }.sorted { $0.name < $1.name }
  }

  /// The service of a waypoint, as callers dial it.
  public func service(of waypoint: WaypointName) -> ServiceKey? {
    waypointServices.first { $0.value == waypoint }?.key
  }
}
