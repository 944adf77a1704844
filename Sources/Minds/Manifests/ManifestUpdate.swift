/// What a source of manifests says now, and what counts meanwhile.
public struct ManifestUpdate: Hashable, Sendable {
  /// The last good state; nil until there has been one.
  public var mesh: CompiledMesh?
  /// The objects that `mesh` was compiled from.
  public var objects: ManifestSet
  /// About the objects as they are, accepted or not.
  public var findings: [Finding]
  /// Directories, or objects of a cluster, of which an earlier content counts (or none), because the present
  /// one has errors.
  public var rejected: [String]

  public init(mesh: CompiledMesh?, objects: ManifestSet, findings: [Finding], rejected: [String]) {
    self.mesh = mesh
    self.objects = objects
    self.findings = findings
    self.rejected = rejected
  }

  /// What is there counts as it is.
  public var isAccepted: Bool { mesh != nil && rejected.isEmpty }
}
