import Manifests
import MeshModel

/// A mesh as manifests would make it: every workload that they ask for has one pod, with an address that
/// exists nowhere else, so that routes and verdicts are those of the running mesh.
enum PaperMesh {
  static func make(_ objects: ManifestSet, _ mesh: CompiledMesh, _ options: CompileOptions) -> KnownMesh {
    var objects = objects
    let running = Set(mesh.workloads.map { "\($0.namespace)/\($0.workloadName)" })
    for (index, wanted) in mesh.wanted.enumerated() where !running.contains(wanted.key) {
      objects.add(pod(for: wanted, number: UInt32(index + 1)))
    }
    let (compiled, findings) = MeshCompiler.compile(objects, options: options)
    let shortfalls = findings.filter { $0.code == .beyondLayer4 || $0.code == .closedPolicy }
    let waypoints = compiled.waypoints.map { KnownWaypoint($0, options) }
    let policies = WaypointPolicies(compiled)
    return KnownMesh(
      workloads: compiled.workloads, services: compiled.services, authorizations: compiled.authorizations,
      trustDomains: [options.trustDomain] + options.trustDomainAliases + options.foreignTrustDomains,
      writing: KnownMesh.Writing(
        objects: objects, origins: compiled.ruleOrigins, requestOrigins: compiled.requestRuleOrigins,
        standings: MeshCompiler.standings(of: objects, options: options),
        shortfalls: Dictionary(grouping: shortfalls, by: \.object),
        waypoints: Dictionary(waypoints.map { ($0.key, $0) }) { first, _ in first },
        atWaypoints: KnownMesh.snapshot(compiled.workloads, compiled.services, policies.whole),
        atBest: KnownMesh.snapshot(compiled.workloads, compiled.services, policies.atBest)))
  }

  /// 240.0.0.0/4 is reserved (RFC 1112 section 4): no policy names it by accident.
  static func isPaper(_ address: IPAddress) -> Bool {
    address.family == .v4 && address.low & 0xf000_0000 == 0xf000_0000
  }

  private static func pod(for wanted: WantedWorkload, number: UInt32) -> PodObject {
    var meta = ObjectMeta(
      kind: "Pod", name: wanted.name, namespace: wanted.namespace, place: wanted.place)
    meta.labels = wanted.labels
    meta.annotations = wanted.annotations
    if wanted.kind != "Pod" { meta.owner = ObjectMeta.Owner(kind: wanted.kind, name: wanted.name) }
    var status = PodStatus()
    status.addresses = [IPAddress(v4: 0xf000_0000 + number)]
    status.phase = "Running"
    status.isReady = true
    return PodObject(meta: meta, spec: wanted.spec, status: status)
  }
}
