import Synchronization

/// Every metric of the process, and the page of them.
public final class MetricRegistry: Sendable {
  private let families = Mutex<[Series]>([])
  private let sources = Mutex<[@Sendable (inout MetricsText) -> Void]>([])

  public init() {}

  /// A number that only grows, one for each combination of label values.
  public func counter(
    _ name: String, help: String, labels: [String] = [], limit: Int = Series.usualLimit
  ) -> Counter {
    let series = Series(name, .counter, help: help, labels: labels, limit: limit)
    register(series)
    return Counter(series: series)
  }

  /// A number that goes up and down, one for each combination of label values.
  public func gauge(
    _ name: String, help: String, labels: [String] = [], limit: Int = Series.usualLimit
  ) -> Gauge {
    let series = Series(name, .gauge, help: help, labels: labels, limit: limit)
    register(series)
    return Gauge(series: series)
  }

  private func register(_ series: Series) {
    families.withLock { $0.append(series) }
    add { series.write(into: &$0) }
  }

  /// Families that are worked out when the page is asked for.
  public func add(_ source: @escaping @Sendable (inout MetricsText) -> Void) {
    sources.withLock { $0.append(source) }
  }

  /// The page, as `MetricsText.contentType`.
  public func page() -> String {
    var text = MetricsText()
    for source in sources.withLock({ $0 }) { source(&text) }
    let full = families.withLock { $0 }.filter { $0.overflowed > 0 }
    if !full.isEmpty {
      text.begin(
        "apus_series_overflow_total", .counter,
        help: "Updates counted under `other`, because a family had too many combinations of labels.")
      for series in full { text.sample(series.overflowed, [("family", series.name)]) }
    }
    return text.text
  }
}
