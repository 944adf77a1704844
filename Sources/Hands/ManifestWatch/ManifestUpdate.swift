public import Manifests

/// What the watched directories say now, and what counts meanwhile.
public struct ManifestUpdate: Hashable, Sendable {
  /// The last good state; nil until there has been one.
  public var mesh: CompiledMesh?
  /// The objects that `mesh` was compiled from.
  public var objects: ManifestSet
  /// About the files as they are, accepted or not.
  public var findings: [Finding]
  /// Directories of which an earlier content counts, because the present one has errors.
  public var rejected: [String]

  /// The files as they are count.
  public var isAccepted: Bool { mesh != nil && rejected.isEmpty }
}
