/// Where a server of ours is dialed: an address, or a name that is looked up again for each connection, so
/// that it may move.
public enum ServerPlace: Hashable, Sendable, CustomStringConvertible {
  case address(SocketAddress)
  case name(String, port: UInt16)

  /// `ADDRESS:PORT`, `[ADDRESS]:PORT` or `NAME:PORT`; nil for anything else.
  public init?(_ text: String) {
    if let address = SocketAddress(text) {
      self = .address(address)
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0
    else { return nil }
    let name = String(text[..<colon])
    guard Self.isName(name) else { return nil }
    self = .name(name, port: port)
  }

  /// A DNS name (RFC 1123). What looks like a broken address is none.
  private static func isName(_ text: String) -> Bool {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    guard text.utf8.count <= 253, let last = labels.last, !last.allSatisfy(\.isNumber) else { return false }
    return labels.allSatisfy { label in
      (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
        && label.utf8.allSatisfy { byte in
          (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
        }
    }
  }

  public var description: String {
    switch self {
    case .address(let address): "\(address)"
    case .name(let name, let port): "\(name):\(port)"
    }
  }
}
