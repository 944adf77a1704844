import Bytes

/// Numbers of a configuration as what can be computed with, whatever somebody wrote.
enum Bounds {
  /// Longer times are taken for a year, which no request and no endpoint lives to see end.
  private static let longest = 365 * 24 * 3_600 * 1_000
  /// More than a destination ever has under way.
  private static let most = 1_000_000

  static func interval(milliseconds: Int) -> Interval { .milliseconds(min(max(milliseconds, 0), longest)) }

  static func count(_ number: Int) -> Int { min(max(number, 0), most) }

  static func percent(_ number: Int) -> Int { min(max(number, 0), 100) }

  /// From 0 to 1; 0 for what is no number.
  static func share(percent: Double) -> Double { percent > 0 ? min(percent, 100) / 100 : 0 }
}
