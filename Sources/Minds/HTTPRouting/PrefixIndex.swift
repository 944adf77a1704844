/// Finds which of many prefixes a text has, by one search of an ordered list.
struct PrefixIndex: Sendable {
  private struct Node: Sendable {
    var prefix: String
    /// Place of the longest other prefix that this one has; -1 for none.
    var parent: Int
    var entries: [Int32]
  }

  private var nodes: [Node] = []

  init(_ entries: [String: [Int32]]) {
    var open: [Int] = []
    for (prefix, numbers) in entries.sorted(by: { Self.isBefore($0.key, $1.key) }) {
      while let last = open.last, !prefix.utf8.starts(with: nodes[last].prefix.utf8) { open.removeLast() }
      nodes.append(Node(prefix: prefix, parent: open.last ?? -1, entries: numbers))
      open.append(nodes.count - 1)
    }
  }

  /// Calls with the entries of each prefix of the text, longest prefix first. Whatever stands in the list
  /// between a prefix of the text and the text begins with that prefix, so all of them are found from the
  /// last that is not after the text.
  func forEach(of text: String, _ body: ([Int32]) -> Void) {
    var low = 0
    var high = nodes.count
    while low < high {
      let middle = (low + high) / 2
      if Self.isBefore(text, nodes[middle].prefix) { high = middle } else { low = middle + 1 }
    }
    var at = low - 1
    while at >= 0 {
      if text.utf8.starts(with: nodes[at].prefix.utf8) { body(nodes[at].entries) }
      at = nodes[at].parent
    }
  }

  private static func isBefore(_ one: String, _ other: String) -> Bool {
    one.utf8.lexicographicallyPrecedes(other.utf8)
  }
}
