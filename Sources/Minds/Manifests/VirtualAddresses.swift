public import MeshModel

/// The virtual addresses of services that have none of their own: the same in every process that reads the
/// same manifests, because they come from the service's name.
public enum VirtualAddresses {
  /// All chosen IPv4 addresses lie here: 10.96.0.0/12.
  public static let v4 = IPPrefix("10.96.0.0/12")
  /// All chosen IPv6 addresses lie here: fd00:10:96::/96. The last 32 bits are the IPv4 address, so that two
  /// services never differ in one family only.
  public static let v6 = IPPrefix("fd00:10:96::/96")

  private static let v4Network: UInt32 = 10 << 24 | 96 << 16
  private static let v6High: UInt64 = 0xfd00_0010_0096_0000
  /// The host part is 20 bits: with 500 services, one pair in eight meshes would collide, so it is probed.
  private static let hostBits: UInt32 = 20

  /// The address of `attempt`, counted from 0, for a service; never the first or the last of the range.
  static func candidate(_ key: ServiceObject.Key, attempt: Int) -> IPAddress {
    let span = UInt64(1) << UInt64(hostBits) - 2
    let host = UInt32(mix(key.text, attempt) % span) + 1
    return IPAddress(v4: v4Network | host)
  }

  /// The IPv6 address that goes with a chosen IPv4 one.
  static func companion(of address: IPAddress) -> IPAddress { IPAddress(high: v6High, low: address.low) }

  /// FNV-1a with a final mix; stable for ever, unlike `Hasher`.
  private static func mix(_ text: String, _ attempt: Int) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in "\(text)#\(attempt)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash ^= hash >> 33
    hash = hash &* 0xff51_afd7_ed55_8ccd
    return hash ^ hash >> 33
  }
}

extension ServiceObject {
  /// What a virtual address is chosen from.
  struct Key {
    let text: String
  }

  var addressKey: Key { Key(text: meta.key) }
}
