import MeshModel

/// A key of totals that has labels, and perhaps what changes them.
protocol LabelledKey: Hashable, Sendable {
  var labels: [(name: String, value: String)] { get }
  var overrides: MetricOverrides? { get }
}

/// Totals that several keys share when their labels come to the same.
protocol Summable: Sendable {
  mutating func add(_ other: Self)
}

/// The rows of families that share their totals, with labels as overrides have them.
struct FamilyRows<Totals: Summable> {
  private let plain: [(labels: String, totals: Totals)]
  private let changed: [(labels: [(name: String, value: String)], overrides: MetricOverrides, totals: Totals)]

  init<Key: LabelledKey>(_ all: [(key: Key, totals: Totals)]) {
    plain = all.filter { $0.key.overrides == nil }
      .map { (MetricsText.labels($0.key.labels), $0.totals) }.sorted { $0.0 < $1.0 }
    changed = all.compactMap { row in
      row.key.overrides.map { (row.key.labels, $0, row.totals) }
    }
  }

  /// The rows of one metric; `nil` is one that overrides say nothing of.
  func rows(of metric: MetricOverrides.Metric?) -> [(labels: String, totals: Totals)] {
    guard !changed.isEmpty else { return plain }
    var sums = Dictionary(plain.map { ($0.labels, $0.totals) }) { one, _ in one }
    for row in changed {
      let override = metric.flatMap { row.overrides.override(of: $0) }
      guard override?.isDisabled != true else { continue }
      let text = MetricsText.labels(Self.apply(override, to: row.labels))
      if sums[text] == nil { sums[text] = row.totals } else { sums[text]?.add(row.totals) }
    }
    return sums.map { ($0.key, $0.value) }.sorted { $0.labels < $1.labels }
  }

  private static func apply(
    _ override: MetricOverrides.Override?, to labels: [(name: String, value: String)]
  ) -> [(name: String, value: String)] {
    guard let override else { return labels }
    var labels = labels
    for change in override.labels {
      let index = labels.firstIndex { $0.name == change.name }
      switch (index, change.value) {
      case (let index?, nil): labels.remove(at: index)
      case (let index?, let value?): labels[index].value = value
      case (nil, let value?): labels.append((change.name, value))
      case (nil, nil): break
      }
    }
    return labels
  }
}
