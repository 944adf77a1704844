/// The random numbers of one decision (SplitMix64), seeded with one number of the caller's generator: so that
/// the generic generator is asked once and everything after it is inlined.
struct Dice {
  private var state: UInt64

  init(using random: inout some RandomNumberGenerator) { state = random.next() }

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return StableHash.mix(state)
  }

  /// From 0 to `bound` - 1; the bias is below 2^-40 for the bounds used here. `bound` is positive.
  mutating func below(_ bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// From 0 to below 1.
  mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}
