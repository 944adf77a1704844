import Manifests
import MeshIndex
import MeshModel

/// A mesh as manifests would make it: every workload that they ask for has one pod, with an address that
/// exists nowhere else, so that routes and verdicts are those of the running mesh.
struct PaperMesh {
  let objects: ManifestSet
  let mesh: CompiledMesh
  let snapshot: MeshSnapshot

  init(_ objects: ManifestSet, _ mesh: CompiledMesh, options: CompileOptions) {
    var objects = objects
    let running = Set(mesh.workloads.map { "\($0.namespace)/\($0.workloadName)" })
    for (index, wanted) in mesh.wanted.enumerated() where !running.contains(wanted.key) {
      objects.add(Self.pod(for: wanted, number: UInt32(index + 1)))
    }
    self.objects = objects
    self.mesh = MeshCompiler.compile(objects, options: options).mesh
    var state = MeshState()
    for workload in self.mesh.workloads { state.upsert(workload) }
    for service in self.mesh.services { state.upsert(service) }
    for policy in self.mesh.authorizations { state.upsert(policy) }
    state.markAddressesDelivered()
    state.markAuthorizationsDelivered()
    snapshot = state.snapshot()
  }

  /// 240.0.0.0/4 is reserved (RFC 1112 section 4): no policy names it by accident.
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

  /// The pod of that name, or one of the workload of that name.
  func workload(_ key: String) -> Workload? {
    mesh.workloads.first { "\($0.namespace)/\($0.name)" == key }
      ?? mesh.workloads.first { "\($0.namespace)/\($0.workloadName)" == key }
  }

  func service(_ key: String) -> Service? {
    mesh.services.first { "\($0.namespace)/\($0.name)" == key }
  }
}
