public import MeshModel

/// Where a tunnel leads: the `:authority` of a CONNECT, which is always a host and a port (RFC 9113 section
/// 8.5).
public enum Authority: Hashable, Sendable, CustomStringConvertible {
  /// `podIP:targetPort` to a workload, the original `VIP:port` to a waypoint.
  case address(SocketAddress)
  /// `hostname:port`, across networks; the name in lower case, without a final dot.
  case host(String, port: UInt16)

  /// Nil for anything but an address or a DNS name with a port from 1 to 65,535.
  public init?(_ text: String) {
    guard text.utf8.count <= 261 else { return nil }
    if let address = SocketAddress(text) {
      guard address.port != 0, Self.hasPlainPort(text) else { return nil }
      self = .address(address)
      return
    }
    guard let colon = text.firstIndex(of: ":"), Self.hasPlainPort(text) else { return nil }
    guard let port = UInt16(text[text.index(after: colon)...]), port != 0 else { return nil }
    guard let name = Self.hostName(text[..<colon]) else { return nil }
    self = .host(name, port: port)
  }

  public var port: UInt16 {
    switch self {
    case .address(let address): address.port
    case .host(_, let port): port
    }
  }

  public var description: String {
    switch self {
    case .address(let address): address.description
    case .host(let name, let port): "\(name):\(port)"
    }
  }

  /// One to five digits, no leading zero: one spelling for each port.
  private static func hasPlainPort(_ text: String) -> Bool {
    guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return false }
    let digits = text.utf8[text.utf8.index(after: colon)...]
    guard (1...5).contains(digits.count), digits.first != UInt8(ascii: "0") else { return false }
    return digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }

  /// A DNS name in lower case; not one that looks like an IPv4 address (RFC 1123 section 2.1: the last label
  /// has a letter).
  private static func hostName(_ text: Substring) -> String? {
    guard !text.isEmpty, text.utf8.count <= 253 else { return nil }
    let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    for label in labels {
      guard (1...63).contains(label.count), label.allSatisfy(isNameByte) else { return nil }
      guard label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-") else { return nil }
    }
    guard let last = labels.last, last.contains(where: { $0 >= UInt8(ascii: "A") }) else { return nil }
    return text.lowercased()
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
    default: false
    }
  }
}
