public import MeshModel

/// The `forwarded` field (RFC 7239): who dialed, and by which service name when one is known.
public struct Forwarded: Hashable, Sendable {
  /// The address of the client; nil when the field does not say it as an address with a port.
  public var client: SocketAddress?
  /// The fully qualified name of the service that was dialed.
  public var host: String?

  /// The longest field parsed, in bytes.
  public static let maximumLength = 1_024
  /// The most parts of one element; RFC 7239 has four.
  static let maximumParts = 16

  public init(client: SocketAddress?, host: String? = nil) {
    self.client = client
    self.host = host
  }

  /// `for="ip:port"`, then `;host=name`; nil when there is nothing to say.
  public var fieldValue: String? {
    var parts: [String] = []
    if let client { parts.append("for=\"\(client)\"") }
    if let host, !host.isEmpty, host.utf8.allSatisfy(Token.isByte) { parts.append("host=\(host)") }
    return parts.isEmpty ? nil : parts.joined(separator: ";")
  }

  /// The parts that can be read of the first element; nil when the field is not well formed. Names are
  /// case-insensitive, parts that we do not know are skipped, and a part said twice makes it malformed.
  public init?(fieldValue text: String) {
    guard text.utf8.count <= Self.maximumLength else { return nil }
    // By bytes: every connection through a tunnel brings this field.
    var rest = Array(text.utf8)[...]
    var seen: [String] = []
    while true {
      rest = rest.drop(while: Token.isSpace)
      guard let equals = rest.firstIndex(of: UInt8(ascii: "=")), rest.startIndex < equals else { return nil }
      guard rest[..<equals].allSatisfy(Token.isByte) else { return nil }
      let name = String(decoding: rest[..<equals], as: UTF8.self).lowercased()
      guard !seen.contains(name), seen.count < Self.maximumParts else { return nil }
      seen.append(name)
      rest = rest[(equals + 1)...]
      guard let value = Token.takeValue(from: &rest) else { return nil }
      if name == "for" { client = SocketAddress(value) }
      if name == "host" { host = value }
      rest = rest.drop(while: Token.isSpace)
      guard let separator = rest.popFirst(), separator != UInt8(ascii: ",") else { return }
      guard separator == UInt8(ascii: ";") else { return nil }
    }
  }
}

/// Tokens and quoted strings of HTTP (RFC 9110 section 5.6).
enum Token {
  static func isByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"): true
    case UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): true
    case UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"): true
    default: false
    }
  }

  /// Removes a token or a quoted string from the front and returns what it says. Some peers leave the quotes
  /// of an address out, so `:`, `[` and `]` are taken as token bytes too.
  static func takeValue(from rest: inout ArraySlice<UInt8>) -> String? {
    guard rest.first == UInt8(ascii: "\"") else {
      let value = rest.prefix { byte in
        isByte(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "]")
      }
      rest = rest[value.endIndex...]
      return value.isEmpty ? nil : String(decoding: value, as: UTF8.self)
    }
    rest.removeFirst()
    var value: [UInt8] = []
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\"") { return String(decoding: value, as: UTF8.self) }
      if byte == UInt8(ascii: "\\") {
        guard let escaped = rest.popFirst() else { return nil }
        value.append(escaped)
      } else {
        value.append(byte)
      }
    }
    return nil
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
