public import MeshCodec

/// What one discovery response changes.
public struct MeshBatch: Sendable {
  /// One resource that is there, or is gone.
  public enum Change: Hashable, Sendable {
    case upsert(MeshResource)
    case remove(MeshResourceKey)
  }

  public var changes: [Change] = []
  /// Resources that could not be understood: the earlier version stays; a policy of which none is held is
  /// replaced by one that denies everybody in its scope.
  public var rejected: [MalformedResource] = []
  /// True once policies and addresses have been answered at least once: before that, a missing policy or
  /// workload says nothing.
  public var isSynced = false

  public init() {}
}
