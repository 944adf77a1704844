import MeshModel

/// A workload as every table refers to it: one copy, and one word in each table.
final class WorkloadEntry: Sendable {
  let workload: Workload
  /// Counts the workloads that this one came after; settles which of two owns an address.
  let arrival: UInt64

  init(_ workload: Workload, arrival: UInt64) {
    self.workload = workload
    self.arrival = arrival
  }

  /// True when this one owns an address that both claim: a pod before anything else, then who speaks HBONE,
  /// then who is healthy, then the later one, because addresses of pods that went are given to pods that
  /// came.
  func precedes(_ other: WorkloadEntry) -> Bool {
    let (mine, theirs) = (rank, other.rank)
    return mine == theirs ? arrival > other.arrival : mine > theirs
  }

  private var rank: Int {
    (workload.isPod ? 4 : 0) + (workload.tunnelProtocol == .hbone ? 2 : 0) + (workload.isHealthy ? 1 : 0)
  }
}

extension Workload {
  /// Pods are told by their uid: `cluster//Pod/namespace/name`.
  var isPod: Bool { uid.contains("//Pod/") }
}
