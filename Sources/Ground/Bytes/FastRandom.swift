/// A small generator for choices that need no secrecy, such as endpoints (xorshift64*).
public struct FastRandom: RandomNumberGenerator {
  private var state: UInt64

  /// Seeded by the system.
  public init() {
    var system = SystemRandomNumberGenerator()
    state = system.next() | 1
  }

  /// The same seed gives the same numbers; seeds that differ little give others from the first on.
  public init(seed: UInt64) {
    var mixed = seed &+ 0x9e37_79b9_7f4a_7c15
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    state = (mixed ^ (mixed >> 31)) | 1
  }

  public mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_f491_4f6c_dd1d
  }
}
