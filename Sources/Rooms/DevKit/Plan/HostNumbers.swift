/// The host numbers of one node's pods. The next free one after the last given, not the lowest: an address
/// that has just been released is not at once another pod's, as in a real cluster.
struct HostNumbers: Sendable {
  private var taken: Set<Int> = []
  private var last = 1

  /// Nil when all are taken.
  mutating func take() -> Int? {
    let span = AddressPlan.maximumPodsPerNode
    for step in 0..<span {
      let candidate = 2 + (last - 1 + step) % span
      guard !taken.contains(candidate) else { continue }
      taken.insert(candidate)
      last = candidate
      return candidate
    }
    return nil
  }

  mutating func release(_ host: Int) { taken.remove(host) }

  var count: Int { taken.count }
}
