/// An IPv4 or IPv6 address as a value: sixteen bytes in network order, and its family.
///
/// A v4-mapped IPv6 address (`::ffff:a.b.c.d`) is always held as the IPv4 address it stands for, so that one
/// host has one spelling in every table (RFC 4291 section 2.5.5.2).
public struct IPAddress: Hashable, Sendable {
  /// Raw values are the version numbers of the IP header.
  public enum Family: UInt8, Sendable { case v4 = 4, v6 = 6 }

  public let family: Family
  /// The first eight bytes, most significant first; zero for IPv4.
  public let high: UInt64
  /// The last eight bytes, most significant first; the low 32 bits for IPv4.
  public let low: UInt64

  public init(v4: UInt32) {
    family = .v4
    high = 0
    low = UInt64(v4)
  }

  public init(high: UInt64, low: UInt64) {
    if high == 0, low >> 32 == 0xffff {
      self.init(v4: UInt32(truncatingIfNeeded: low))
    } else {
      self.init(unmapped: high, low)
    }
  }

  /// Four or sixteen bytes in network order; nil for any other count.
  public init?(bytes: some Collection<UInt8>) {
    switch bytes.count {
    case 4:
      self.init(v4: bytes.reduce(0) { $0 << 8 | UInt32($1) })
    case 16:
      self.init(
        high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
        low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
    default:
      return nil
    }
  }

  /// Four bytes for IPv4, sixteen for IPv6, in network order.
  public var bytes: [UInt8] {
    let all =
      (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
      + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
    return family == .v4 ? Array(all.suffix(4)) : all
  }

  /// Sixteen bytes in network order; IPv4 in its v4-mapped form, as BPF maps and dual-stack sockets hold it.
  public var mappedHigh: UInt64 { family == .v4 ? 0 : high }
  public var mappedLow: UInt64 { family == .v4 ? 0xffff_0000_0000 | low : low }

  public var isLoopback: Bool {
    family == .v4 ? low >> 24 == 127 : high == 0 && low == 1
  }

  /// 169.254.0.0/16 or fe80::/10.
  public var isLinkLocal: Bool {
    family == .v4 ? low >> 16 == 0xa9fe : high >> 54 == 0xfe80 >> 6
  }

  public var isUnspecified: Bool { high == 0 && low == 0 }

  public static func any(_ family: Family) -> IPAddress {
    family == .v4 ? IPAddress(v4: 0) : IPAddress(unmapped: 0, 0)
  }

  public static func loopback(_ family: Family) -> IPAddress {
    family == .v4 ? IPAddress(v4: 0x7f00_0001) : IPAddress(unmapped: 0, 1)
  }

  private init(unmapped high: UInt64, _ low: UInt64) {
    family = .v6
    self.high = high
    self.low = low
  }
}
