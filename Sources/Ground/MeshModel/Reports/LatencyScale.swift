/// Ranges of time that grow by the square root of two: from a tenth of a millisecond to a minute in 40, so
/// that a quantile is wrong by a fifth at most.
public enum LatencyScale {
  /// The upper bounds of all buckets but the last, in nanoseconds.
  public static let bounds: [UInt64] = (0..<39).map { index in
    // 100 us times the root of 2 to the power of the index, rounded in the odd steps.
    let whole = UInt64(100_000) << UInt64(index / 2)
    return index.isMultiple(of: 2) ? whole : whole / 1_000 * 1_414
  }

  /// Of a duration in nanoseconds.
  public static func bucket(of duration: UInt64) -> Int {
    var (low, high) = (0, bounds.count)
    while low < high {
      let middle = (low + high) / 2
      if duration <= bounds[middle] { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// The time, in milliseconds, that a share of what was counted does not exceed; nil when nothing was.
  /// Within a bucket what was counted is taken to be spread evenly.
  public static func quantile(_ share: Double, of counts: [UInt64]) -> Double? {
    let total = counts.reduce(0, &+)
    guard total > 0 else { return nil }
    var rank = share * Double(total)
    for (index, count) in counts.enumerated() where count > 0 {
      guard rank > Double(count) else {
        let low = index == 0 ? 0 : Double(bounds[min(index, bounds.count) - 1])
        // What is above all bounds is told as the last of them.
        let high = index < bounds.count ? Double(bounds[index]) : low
        return (low + (high - low) * max(0, rank) / Double(count)) / 1_000_000
      }
      rank -= Double(count)
    }
    return bounds.last.map { Double($0) / 1_000_000 }
  }
}
