/// Which node a pod goes to.
enum Placement {
  /// Of one node: how many pods it has, and how many of them belong to the pod's own owner.
  struct Load: Hashable, Sendable {
    var all: Int
    var siblings: Int
  }

  /// The node with the fewest siblings, of those the one with the fewest pods, of those the first; numbers
  /// from 1.
  /// - Parameter wanted: `node-N` when the pod asks for one.
  static func choose(wanted: String, loads: [Load]) throws(DevError) -> Int {
    if !wanted.isEmpty {
      guard let number = nodeNumber(wanted), loads.indices.contains(number - 1) else {
        throw .refused("it wants \(wanted), and the nodes are node-1 to node-\(loads.count)")
      }
      guard loads[number - 1].all < AddressPlan.maximumPodsPerNode else {
        throw .refused("\(wanted) has \(AddressPlan.maximumPodsPerNode) pods, which is the limit")
      }
      return number
    }
    let free = loads.indices.filter { loads[$0].all < AddressPlan.maximumPodsPerNode }
    guard let best = free.min(by: { rank(loads[$0], $0) < rank(loads[$1], $1) }) else {
      throw .refused("every node has \(AddressPlan.maximumPodsPerNode) pods, which is the limit")
    }
    return best + 1
  }

  private static func rank(_ load: Load, _ index: Int) -> (Int, Int, Int) { (load.siblings, load.all, index) }

  /// `node-12` gives 12.
  static func nodeNumber(_ name: String) -> Int? {
    guard name.hasPrefix("node-"), let number = Int(name.dropFirst(5)), "node-\(number)" == name else {
      return nil
    }
    return number
  }
}
