import Manifests
import MeshIndex
import MeshModel

/// A mesh that is asked about: as manifests would make it, or as an agent holds it.
struct KnownMesh {
  let workloads: [Workload]
  let services: [Service]
  let snapshot: MeshSnapshot
  /// Whose certificates agents accept.
  let trustDomains: [TrustDomain]
  /// Nil for a mesh that runs: it does not know what was written.
  let writing: Writing?

  /// What manifests tell besides the mesh itself.
  struct Writing {
    let objects: ManifestSet
    /// Of the rules of each policy.
    let origins: [String: [Place]]
    /// The same of policies as waypoints have them.
    let requestOrigins: [String: [Place]]
    /// Of each pod, by `namespace/name`.
    let standings: [String: PodStanding]
    /// What policies ask and agents do not enforce as it is written, by `Kind namespace/name`.
    let shortfalls: [String: [Finding]]
    /// By the service that stands for each.
    let waypoints: [ServiceKey: KnownWaypoint]
    /// The mesh as waypoints have it.
    let atWaypoints: MeshSnapshot
    /// The same for the request that fits best.
    let atBest: MeshSnapshot
  }

  init(
    workloads: [Workload], services: [Service], authorizations: [Authorization],
    trustDomains: [TrustDomain], writing: Writing?
  ) {
    self.workloads = workloads
    self.services = services
    self.trustDomains = trustDomains
    self.writing = writing
    snapshot = Self.snapshot(workloads, services, authorizations)
  }

  static func snapshot(
    _ workloads: [Workload], _ services: [Service], _ authorizations: [Authorization]
  ) -> MeshSnapshot {
    var state = MeshState()
    for workload in workloads { state.upsert(workload) }
    for service in services { state.upsert(service) }
    for policy in authorizations { state.upsert(policy) }
    state.markAddressesDelivered()
    state.markAuthorizationsDelivered()
    return state.snapshot()
  }

  /// The pod of that name, or one of the workload of that name.
  func workload(_ key: String) -> Workload? {
    workloads.first { "\($0.namespace)/\($0.name)" == key }
      ?? workloads.first { "\($0.namespace)/\($0.workloadName)" == key }
  }

  func service(_ key: String) -> Service? {
    services.first { "\($0.namespace)/\($0.name)" == key }
  }

  func standing(of workload: Workload) -> PodStanding? {
    writing?.standings["\(workload.namespace)/\(workload.name)"]
  }

  /// What is not said of a mesh that runs is taken from how its traffic travels.
  func isEnrolled(_ workload: Workload) -> Bool {
    standing(of: workload)?.isEnrolled ?? (workload.tunnelProtocol == .hbone)
  }

  func place(of policy: Authorization, rule: Int?, atWaypoint: Bool) -> Place? {
    guard let writing else { return nil }
    let origins = (atWaypoint ? writing.requestOrigins : writing.origins)[policy.key] ?? []
    if let rule, rule < origins.count { return origins[rule] }
    return writing.objects.authorizationPolicies.first { $0.meta.key == policy.key }?.meta.place
  }
}
