public import MeshModel

/// A hash that is the same in every process and on every day, for consistent hashing: FNV-1a over bytes, with
/// the finalizer of MurmurHash3. It is no defence against whoever chooses the input: a client that knows it
/// can choose its endpoint, which is what consistent hashing offers anyway.
public struct StableHash: Sendable {
  private var state: UInt64 = 0xcbf2_9ce4_8422_2325

  public init() {}

  /// The hash of a text's UTF-8.
  public static func of(_ text: some StringProtocol) -> UInt64 {
    var hash = StableHash()
    hash.combine(text.utf8)
    return hash.value
  }

  public mutating func combine(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { add(byte) }
    // Ends the text, so that ("ab", "c") differs from ("a", "bc"); no byte of UTF-8 is 0xff.
    add(0xff)
  }

  public mutating func combine(_ number: UInt64) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) { add(UInt8(truncatingIfNeeded: number >> shift)) }
  }

  public mutating func combine(_ address: IPAddress) {
    combine(UInt64(address.family.rawValue))
    combine(address.high)
    combine(address.low)
  }

  private mutating func add(_ byte: UInt8) { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }

  public var value: UInt64 { Self.mix(state) }

  /// Spreads every bit of the input over the whole output; one to one.
  static func mix(_ number: UInt64) -> UInt64 {
    var mixed = number
    mixed = (mixed ^ (mixed >> 33)) &* 0xff51_afd7_ed55_8ccd
    mixed = (mixed ^ (mixed >> 33)) &* 0xc4ce_b9fe_1a85_ec53
    return mixed ^ (mixed >> 33)
  }
}
