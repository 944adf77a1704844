import Synchronization

/// The values of one family, by the values of its labels. Bounded: what comes beyond the limit is added to
/// one series whose labels all say `other`, so that sums stay true.
public final class Series: Sendable {
  /// Combinations of label values; a page of that size takes about 200 KiB.
  public static let usualLimit = 1_000

  let name: String
  private let kind: MetricsText.Kind
  private let help: String
  private let labels: [String]
  private let limit: Int
  private let values = Mutex<[[String]: Double]>([:])
  private let overflows = Atomic<UInt64>(0)

  init(_ name: String, _ kind: MetricsText.Kind, help: String, labels: [String], limit: Int) {
    precondition(MetricsText.isName(name) && labels.allSatisfy(MetricsText.isName), "\(name): a bad name")
    self.name = name
    self.kind = kind
    self.help = help
    self.labels = labels
    self.limit = limit
    // Without labels the number exists from the start.
    if labels.isEmpty { values.withLock { $0[[]] = 0 } }
  }

  func update(_ key: [String], _ change: (inout Double) -> Void) {
    precondition(key.count == labels.count, "\(name) has the labels \(labels)")
    values.withLock { values in
      let isRoom = values[key] != nil || values.count < limit
      if !isRoom { overflows.add(1, ordering: .relaxed) }
      change(&values[isRoom ? key : labels.map { _ in "other" }, default: 0])
    }
  }

  /// Updates that found no room.
  var overflowed: UInt64 { overflows.load(ordering: .relaxed) }

  func value(_ key: [String]) -> Double { values.withLock { $0[key] ?? 0 } }

  func write(into text: inout MetricsText) {
    let all = values.withLock { $0 }
    guard !all.isEmpty else { return }
    text.begin(name, kind, help: help)
    for (key, value) in all.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let pairs = zip(labels, key).map { (name: $0, value: $1) }
      if let whole = UInt64(exactly: value) { text.sample(whole, pairs) } else { text.sample(value, pairs) }
    }
  }
}

/// A number that only grows. Whole numbers are exact up to 2 to the 53.
public struct Counter: Sendable {
  let series: Series

  /// `labels`: the values, in the order of the names given at registration.
  public func add(_ count: UInt64 = 1, _ labels: String...) {
    series.update(labels) { $0 += Double(count) }
  }
}

/// A number that goes up and down.
public struct Gauge: Sendable {
  let series: Series

  public func set(_ value: Double, _ labels: String...) { series.update(labels) { $0 = value } }

  public func add(_ difference: Double, _ labels: String...) {
    series.update(labels) { $0 += difference }
  }
}
