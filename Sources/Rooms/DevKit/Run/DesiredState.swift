import Manifests

/// The manifests as they were last accepted.
struct DesiredState: Sendable {
  var objects: ManifestSet
  var mesh: CompiledMesh
}
