import MeshModel

/// The workloads of one service. Insertion and removal cost the same whatever their number; the order is that
/// of arrival, except that the last fills a gap.
struct ServiceMembers: Sendable {
  private(set) var entries: [WorkloadEntry] = []
  private var positions: [String: Int] = [:]

  var isEmpty: Bool { entries.isEmpty }

  mutating func insert(_ entry: WorkloadEntry) {
    if let position = positions[entry.workload.uid] {
      entries[position] = entry
    } else {
      positions[entry.workload.uid] = entries.count
      entries.append(entry)
    }
  }

  mutating func remove(_ uid: String) {
    guard let position = positions.removeValue(forKey: uid) else { return }
    let last = entries.removeLast()
    guard last.workload.uid != uid else { return }
    entries[position] = last
    positions[last.workload.uid] = position
  }
}
