/// The character classes that every version of HTTP shares (RFC 9110 section 5.6, RFC 3986 section 3.2).
public enum HTTPGrammar {
  /// A byte of a token: methods, field names, options.
  public static func isToken(_ byte: UInt8) -> Bool {
    guard byte < 0x80 else { return false }
    return (byte < 64 ? tokensBelow64 : tokensFrom64) >> (byte & 63) & 1 == 1
  }

  /// A bit for each of `!#$%&'*+-.` and the digits; literals, because every name of every message asks.
  private static var tokensBelow64: UInt64 { 0x03ff_6cfa_0000_0000 }
  /// A bit for each of the letters and `^_`|~`.
  private static var tokensFrom64: UInt64 { 0x57ff_ffff_c7ff_fffe }

  public static func isToken(_ text: String) -> Bool { isToken(text.utf8Span.span) }

  /// Of bytes, for who looks at a part of a text.
  static func isToken(_ bytes: Span<UInt8>) -> Bool {
    for index in bytes.indices where !isToken(bytes[index]) { return false }
    return !bytes.isEmpty
  }

  /// Every byte of the text may stand in a field's value.
  public static func isValue(_ text: String) -> Bool {
    let bytes = text.utf8Span.span
    for index in bytes.indices where !isValue(bytes[index]) { return false }
    return true
  }

  /// A byte of a field's value: no control byte but the tab, so that no line can be smuggled into one.
  public static func isValue(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7f || byte == 0x09 }

  /// A byte of a target: visible, and not the `#` at which readers disagree. Above 0x7f is tolerated.
  public static func isTarget(_ byte: UInt8) -> Bool { byte > 0x20 && byte != 0x7f && byte != 0x23 }

  /// `host` or `host:port`, without user information: what Host and `:authority` may say. `needsPort` is for
  /// CONNECT.
  public static func isAuthority(_ text: String, needsPort: Bool = false) -> Bool {
    let bytes = text.utf8
    guard let first = bytes.first else { return false }
    let hostEnd: String.Index
    if first == UInt8(ascii: "[") {
      guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
      let address = bytes[..<close].dropFirst()
      guard !address.isEmpty, address.allSatisfy(isAddressByte) else { return false }
      hostEnd = bytes.index(after: close)
    } else {
      hostEnd = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
      guard hostEnd > bytes.startIndex, bytes[..<hostEnd].allSatisfy(isHostByte) else { return false }
    }
    guard hostEnd < bytes.endIndex else { return !needsPort }
    guard bytes[hostEnd] == UInt8(ascii: ":") else { return false }
    let port = bytes[hostEnd...].dropFirst()
    guard !port.isEmpty else { return !needsPort }
    guard port.count <= 5, port.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return false }
    return UInt16(String(text[port.startIndex...])) != nil
  }

  /// Hexadecimal, dots and colons; a zone is refused.
  private static func isAddressByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x3a, 0x41...0x46, 0x61...0x66, UInt8(ascii: "."): true
    default: false
    }
  }

  /// A registered name: unreserved, sub-delimiters, percent-encoding.
  private static func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
    case UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("): true
    case UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ";"), UInt8(ascii: "="): true
    case UInt8(ascii: "%"): true
    default: false
    }
  }
}
