public import Bytes

/// Deadlines by token, earliest first (a binary heap). There is no removal: the owner ignores a token that
/// has become stale or whose deadline has moved, which costs one pop instead of a search.
public struct Deadlines: Sendable {
  private var heap: [(when: Instant, token: UInt64)] = []

  public init() {}

  public var earliest: Instant? { heap.first?.when }
  public var count: Int { heap.count }

  public mutating func add(_ when: Instant, token: UInt64) {
    heap.append((when, token))
    var child = heap.count - 1
    while child > 0, heap[child].when < heap[(child - 1) / 2].when {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// The token of the earliest deadline that has passed, or nil.
  public mutating func pop(before now: Instant) -> UInt64? {
    guard let first = heap.first, first.when <= now else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      sink()
    }
    return first.token
  }

  /// Forgets deadlines that nobody waits for any more. Takes time in proportion to all of them.
  public mutating func keep(where isWanted: (UInt64) -> Bool) {
    heap.removeAll { !isWanted($0.token) }
    // What is ordered is a heap.
    heap.sort { $0.when < $1.when }
  }

  private mutating func sink() {
    var parent = 0
    while true {
      var least = parent
      var child = 2 * parent + 1
      let last = min(child + 1, heap.count - 1)
      while child <= last {
        if heap[child].when < heap[least].when { least = child }
        child += 1
      }
      guard least != parent else { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
