public import MeshModel

/// The `forwarded` field (RFC 7239): who dialed, and by which service name when one is known.
public struct Forwarded: Hashable, Sendable {
  /// The address of the client; nil when the field does not say it as an address with a port.
  public var client: SocketAddress?
  /// The fully qualified name of the service that was dialed.
  public var host: String?

  /// The longest field parsed, in bytes.
  public static let maximumLength = 1_024

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
    var rest = Substring(text)
    var seen: Set<String> = []
    while true {
      rest = rest.drop { $0 == " " || $0 == "\t" }
      guard let equals = rest.firstIndex(of: "="), rest.startIndex < equals else { return nil }
      let name = rest[..<equals].lowercased()
      guard name.utf8.allSatisfy(Token.isByte), seen.insert(name).inserted else { return nil }
      rest = rest[rest.index(after: equals)...]
      guard let value = Token.takeValue(from: &rest) else { return nil }
      if name == "for" { client = SocketAddress(value) }
      if name == "host" { host = value }
      rest = rest.drop { $0 == " " || $0 == "\t" }
      guard let separator = rest.popFirst(), separator != "," else { return }
      guard separator == ";" else { return nil }
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
  static func takeValue(from rest: inout Substring) -> String? {
    guard rest.first == "\"" else {
      let value = rest.prefix { character in
        guard let byte = character.asciiValue else { return false }
        return isByte(byte) || character == ":" || character == "[" || character == "]"
      }
      rest = rest[value.endIndex...]
      return value.isEmpty ? nil : String(value)
    }
    rest.removeFirst()
    var value = ""
    while let character = rest.popFirst() {
      if character == "\"" { return value }
      if character == "\\" {
        guard let escaped = rest.popFirst() else { return nil }
        value.append(escaped)
      } else {
        value.append(character)
      }
    }
    return nil
  }
}
