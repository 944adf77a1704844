public import Manifests
import Synchronization

/// What following a cluster has taken, by kind, for metrics.
public final class WatchFigures: Sendable {
  /// Of one kind.
  public struct Kind: Hashable, Sendable {
    /// Whole lists that were read.
    public var lists = 0
    /// Events that were told, bookmarks among them.
    public var events = 0
    /// Requests and watches that failed and were tried again.
    public var failures = 0
    /// Watches that broke off in their course.
    public var breaks = 0
    /// Objects at the last list.
    public var objects = 0
  }

  private let kinds = Mutex<[ClusterKind: Kind]>([:])

  public init() {}

  /// By kind.
  public var all: [ClusterKind: Kind] { kinds.withLock { $0 } }

  func listed(_ kind: ClusterKind, _ count: Int) {
    change(kind) {
      $0.lists += 1
      $0.objects = count
    }
  }

  func told(_ kind: ClusterKind) { change(kind) { $0.events += 1 } }
  func failed(_ kind: ClusterKind) { change(kind) { $0.failures += 1 } }
  func broke(_ kind: ClusterKind) { change(kind) { $0.breaks += 1 } }

  private func change(_ kind: ClusterKind, _ body: (inout Kind) -> Void) {
    kinds.withLock { body(&$0[kind, default: Kind()]) }
  }
}
