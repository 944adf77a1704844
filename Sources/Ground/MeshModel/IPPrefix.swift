/// A range of addresses in CIDR form; the bits beyond the length are zero.
public struct IPPrefix: Hashable, Sendable {
  public let address: IPAddress
  /// Leading bits that must agree: 0 to 32 for IPv4, 0 to 128 for IPv6.
  public let length: Int

  /// Nil when the length is out of range for the family. Bits beyond the length are cleared.
  public init?(_ address: IPAddress, length: Int) {
    guard length >= 0, length <= (address.family == .v4 ? 32 : 128) else { return nil }
    self.length = length
    self.address = Self.masked(address, length)
  }

  public func contains(_ other: IPAddress) -> Bool {
    other.family == address.family && Self.masked(other, length) == address
  }

  private static func masked(_ address: IPAddress, _ length: Int) -> IPAddress {
    switch address.family {
    case .v4:
      let bits = length == 0 ? 0 : UInt32.max << UInt32(32 - length)
      return IPAddress(v4: UInt32(truncatingIfNeeded: address.low) & bits)
    case .v6:
      return IPAddress(high: address.high & mask(length, of: 0), low: address.low & mask(length, of: 1))
    }
  }

  /// The mask of the 64-bit word `word` (0 or 1) for `length` leading bits of 128.
  private static func mask(_ length: Int, of word: Int) -> UInt64 {
    let bits = min(max(length - 64 * word, 0), 64)
    return bits == 0 ? 0 : UInt64.max << UInt64(64 - bits)
  }
}

extension IPPrefix: CustomStringConvertible, LosslessStringConvertible {
  /// Parses `address/length`, or a lone address as a full-length prefix.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = parts.first.flatMap({ IPAddress($0) }) else { return nil }
    guard parts.count == 2 else {
      self.init(address, length: address.family == .v4 ? 32 : 128)
      return
    }
    guard let length = Int(parts[1]), parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
      return nil
    }
    self.init(address, length: length)
  }

  public var description: String { "\(address)/\(length)" }
}
