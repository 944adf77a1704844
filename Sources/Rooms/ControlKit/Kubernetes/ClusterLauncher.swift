import Bytes
import ClusterWatch
import Logging
import MeshModel
import Reactor
import Synchronization

/// Runs waypoints as Deployments, scaled from zero and to zero.
///
/// Several replicas of the control plane share them: the one that leads makes and removes the objects, and
/// any scales a waypoint up for whose connections an agent asks, and down when the waypoint says that it is
/// idle. How many run is kept in the Deployment alone.
final class ClusterLauncher: Sendable {
  private struct State {
    /// What was applied of each waypoint, to leave alone what has not changed.
    var applied: [WaypointName: JSONValue] = [:]
    /// The releases that were followed: each only once, for another replica may have been asked since.
    var followed: [WaypointName: Instant] = [:]
  }

  let client: ClusterClient
  let settings: ClusterSettings
  let image: String
  let trustDomain: TrustDomain
  /// Whether this replica makes and removes objects.
  let leads: @Sendable () -> Bool
  let log: Logger
  private let state = Mutex(State())

  init(
    _ client: ClusterClient, _ settings: ClusterSettings, image: String, trustDomain: TrustDomain,
    leads: @escaping @Sendable () -> Bool, log: Logger
  ) {
    self.client = client
    self.settings = settings
    self.image = image
    self.trustDomain = trustDomain
    self.leads = leads
    self.log = log
  }

  private func objects(_ name: WaypointName, _ wanted: WaypointDemand.Wanted) -> WaypointObjects {
    WaypointObjects(
      waypoint: name, replicas: wanted.replicas, settings: settings, image: image, trustDomain: trustDomain)
  }

  /// Brings about what is to run. What fails is tried again with the next call.
  func bring(_ demand: WaypointDemand) async throws(ClusterError) {
    if leads() {
      for (name, wanted) in demand.wanted { try await make(objects(name, wanted), wanted) }
      try await removeUnwanted(demand)
    } else {
      // Another replica may change them meanwhile.
      state.withLock { $0.applied = [:] }
    }
    let running = demand.running
    for (name, count) in running { try await scale(name, atLeast: count) }
    for (name, instant) in demand.released where running[name] == nil {
      guard state.withLock({ $0.followed[name] }) != instant else { continue }
      try await scale(name, atLeast: nil)
      state.withLock { $0.followed[name] = instant }
    }
  }

  /// `count`: nil for none.
  private func scale(_ name: WaypointName, atLeast count: Int?) async throws(ClusterError) {
    let path = "/apis/apps/v1/namespaces/\(name.namespace)/deployments/\(name.name)"
    guard let deployment = try await client.get(path) else {
      // The leader makes it in a moment; the agent asks again.
      return
    }
    let present = deployment["spec"]?["replicas"]?.integer ?? 1
    let wanted = count.map { max(Int64($0), present) } ?? 0
    guard wanted != present else { return }
    try await client.merge(path, ["spec": ["replicas": .integer(wanted)]])
    log.notice(
      "a waypoint is scaled", metadata: ["waypoint": "\(name)", "from": "\(present)", "to": "\(wanted)"])
  }

  private func make(_ objects: WaypointObjects, _ wanted: WaypointDemand.Wanted) async throws(ClusterError) {
    let shape = objects.deployment(owner: nil, running: wanted.isAlwaysOn ? wanted.replicas : 0)
    guard state.withLock({ $0.applied[objects.waypoint] }) != shape else { return }
    let waypoint = objects.waypoint
    let served = try await client.get(
      "/api/v1/namespaces/\(waypoint.namespace)/serviceaccounts/\(waypoint.serviceAccount)")
    let above = served?["metadata"]?["uid"]?.text.map {
      WaypointObjects.owner("ServiceAccount", waypoint.serviceAccount, uid: $0)
    }
    let account = try await client.apply(objects.accountPath, objects.account(owner: above))
    let owner = account["metadata"]?["uid"]?.text.map {
      WaypointObjects.owner("ServiceAccount", waypoint.name, uid: $0)
    }
    try await client.apply(objects.servicePath, objects.service(owner: owner))
    try await client.apply(objects.budgetPath, objects.budget(owner: owner))
    let present = try await client.get(objects.deploymentPath)?["spec"]?["replicas"]?.integer
    let least = wanted.isAlwaysOn ? Int64(wanted.replicas) : 0
    let running = Int(max(present ?? 0, least))
    try await client.apply(
      objects.deploymentPath, objects.deployment(owner: owner, running: running))
    state.withLock { $0.applied[waypoint] = shape }
    log.notice("a waypoint is prepared", metadata: ["waypoint": "\(waypoint)", "running": "\(running)"])
  }

  /// Deletes waypoints that nothing asks for any more, also those that an earlier leader made.
  private func removeUnwanted(_ demand: WaypointDemand) async throws(ClusterError) {
    let known = state.withLock { Set($0.applied.keys) }
    // Nothing was taken away, and the first look has been taken.
    if !known.isEmpty, known.isSubset(of: demand.wanted.keys) { return }
    let list = try await client.get("/apis/apps/v1/deployments?labelSelector=\(WaypointObjects.selector)")
    for item in list?["items"]?.list ?? [] {
      guard let name = item["metadata"]?["name"]?.text, let namespace = item["metadata"]?["namespace"]?.text,
        let waypoint = WaypointName(account: name, in: namespace), demand.wanted[waypoint] == nil
      else { continue }
      let objects = WaypointObjects(
        waypoint: waypoint, replicas: 0, settings: settings, image: image, trustDomain: trustDomain)
      for path in [
        objects.deploymentPath, objects.budgetPath, objects.servicePath, objects.accountPath,
      ] { try await client.delete(path) }
      state.withLock { $0.applied[waypoint] = nil }
      log.notice("a waypoint is removed", metadata: ["waypoint": "\(waypoint)"])
    }
    state.withLock { state in state.applied = state.applied.filter { demand.wanted[$0.key] != nil } }
  }
}
