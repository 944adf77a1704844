import Bytes
import Glibc
import MeshModel

extension LoadBalancing.WarmUp {
  /// The part of its weight that an endpoint of this age has: the minimum at first, then as much as of the
  /// duration has passed, to the power of 1/aggression.
  func share(age: Interval) -> Double {
    let whole = Bounds.interval(milliseconds: duration)
    guard age < whole else { return 1 }
    let passed = Double(age.nanoseconds) / Double(whole.nanoseconds)
    let exponent = 1 / (aggression > 0.01 ? aggression : 0.01)
    return max(Bounds.share(percent: minimum), Self.power(passed, exponent), 0.001)
  }

  /// `base` from 0 to 1.
  private static func power(_ base: Double, _ exponent: Double) -> Double {
    exponent == 1 ? base : pow(base, exponent)
  }
}
