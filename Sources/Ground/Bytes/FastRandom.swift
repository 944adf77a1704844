/// A small generator for choices that need no secrecy, such as endpoints (xorshift64*, seeded by the system).
public struct FastRandom: RandomNumberGenerator {
  private var state: UInt64

  public init() {
    var system = SystemRandomNumberGenerator()
    state = system.next() | 1
  }

  public mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_f491_4f6c_dd1d
  }
}
