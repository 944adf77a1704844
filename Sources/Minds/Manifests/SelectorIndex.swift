/// One label with its value.
struct LabelPair: Hashable {
  var key: String
  var value: String
}

/// Which of many selectors hold for a pod, found by its labels: each selector is looked for by the one of
/// its labels for which the fewest others ask. So 2,000 services in one namespace cost each pod a few
/// comparisons, not 2,000.
struct SelectorIndex<Element> {
  /// What selects, in which namespace.
  struct Entry {
    var namespace: String
    var selector: [String: String]
    var element: Element
  }

  private var byLabel: [String: [LabelPair: [Int]]] = [:]
  private let entries: [Entry]

  /// An empty selector selects nothing.
  init(_ entries: [Entry]) {
    self.entries = entries
    var uses: [String: [LabelPair: Int]] = [:]
    for entry in entries {
      for (key, value) in entry.selector {
        uses[entry.namespace, default: [:]][LabelPair(key: key, value: value), default: 0] += 1
      }
    }
    for (index, entry) in entries.enumerated() {
      let pairs = entry.selector.map { LabelPair(key: $0.key, value: $0.value) }
      let rarest = pairs.min { left, right in
        let (a, b) = (uses[entry.namespace]?[left] ?? 0, uses[entry.namespace]?[right] ?? 0)
        return a == b ? (left.key, left.value) < (right.key, right.value) : a < b
      }
      guard let rarest else { continue }
      byLabel[entry.namespace, default: [:]][rarest, default: []].append(index)
    }
  }

  /// Those that may select a pod with the labels, in their order: what is compared in full.
  func candidates(_ labels: [String: String], in namespace: String) -> [Entry] {
    guard let byLabel = byLabel[namespace] else { return [] }
    let found = labels.flatMap { byLabel[LabelPair(key: $0.key, value: $0.value)] ?? [] }
    return found.sorted().map { entries[$0] }
  }

  /// Those that select a pod with the labels, in their order.
  func selecting(_ labels: [String: String], in namespace: String) -> [Element] {
    candidates(labels, in: namespace).filter { labels.hold($0.selector) }.map(\.element)
  }
}

extension SelectorIndex<ServiceObject> {
  init(services: [ServiceObject]) {
    self.init(services.map { Entry(namespace: $0.meta.namespace, selector: $0.selector, element: $0) })
  }
}
