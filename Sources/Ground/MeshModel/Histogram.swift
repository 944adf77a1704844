/// How often values fell into which range, and their sum.
struct Histogram: Sendable {
  /// Ascending upper bounds; what is above the last is counted too.
  let bounds: [Double]
  /// One for each bound and one for what is above; not cumulative.
  private(set) var counts: [UInt64]
  private(set) var sum = 0.0

  init(_ bounds: [Double]) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  mutating func add(_ value: Double) {
    sum += value
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
  }

  /// In milliseconds, the ecosystem's.
  static let milliseconds: [Double] = [
    0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000,
    1_800_000, 3_600_000,
  ]
  /// In bytes; fewer than the ecosystem's, which are those of times.
  static let bytes: [Double] = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]
}
