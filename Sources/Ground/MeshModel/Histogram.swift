/// How often values fell into which range, and their sum.
public struct Histogram: Sendable {
  /// Ascending upper bounds; what is above the last is counted too.
  public let bounds: [Double]
  /// One for each bound and one for what is above; not cumulative.
  public private(set) var counts: [UInt64]
  public private(set) var sum = 0.0

  public init(_ bounds: [Double]) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  public mutating func add(_ value: Double) {
    sum += value
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
  }

  /// Of the same bounds.
  public mutating func add(_ other: Histogram) {
    sum += other.sum
    for (index, count) in other.counts.enumerated() where index < counts.count { counts[index] += count }
  }

  /// In milliseconds, the ecosystem's.
  public static let milliseconds: [Double] = [
    0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000,
    1_800_000, 3_600_000,
  ]
  /// In bytes; fewer than the ecosystem's, which are those of times.
  public static let bytes: [Double] = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]
  /// In seconds: how long a change takes to reach those that follow it.
  public static let seconds: [Double] = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]
}
