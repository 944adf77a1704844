public import HTTPModel
public import MeshModel

/// Reads from a request what keeps it with one endpoint (`consistentHash`).
public enum AffinityKey {
  /// The hash, and the cookie to be set with the answer when one had to be made.
  public struct Reading: Hashable, Sendable {
    /// Nil when the request has no such thing: any endpoint will do.
    public var hash: UInt64?
    /// A value for `set-cookie`.
    public var cookie: String?

    public init(hash: UInt64? = nil, cookie: String? = nil) {
      self.hash = hash
      self.cookie = cookie
    }
  }

  /// - Parameters:
  ///   - fields: of the request, names in lower case.
  ///   - path: `:path`, with its query.
  ///   - source: the client's own address.
  public static func read(
    _ key: LoadBalancing.HashKey, fields: [Field], path: String, source: IPAddress,
    using random: inout some RandomNumberGenerator
  ) -> Reading {
    switch key {
    case .header(let name):
      let name = name.lowercased()
      return Reading(hash: hash(fields.lazy.filter { $0.name == name }.map(\.value)))
    case .query(let name):
      return Reading(hash: parameter(name, of: path).map { StableHash.of($0) })
    case .sourceAddress:
      var hash = StableHash()
      hash.combine(source)
      return Reading(hash: hash.value)
    case .cookie(let name, let path, let lifetime):
      if let value = cookie(name, of: fields) { return Reading(hash: StableHash.of(value)) }
      guard let lifetime else { return Reading() }
      let value = identifier(using: &random)
      return Reading(
        hash: StableHash.of(value), cookie: setCookie(name, value, path: path, lifetime: lifetime))
    }
  }

  /// All values of a header that comes more than once count, in their order.
  private static func hash(_ values: some Sequence<String>) -> UInt64? {
    var hash = StableHash()
    var isEmpty = true
    for value in values {
      hash.combine(value.utf8)
      isEmpty = false
    }
    return isEmpty ? nil : hash.value
  }

  /// The first value of a parameter of the query, as it was sent; nil when it has none of that name.
  public static func parameter(_ name: String, of path: String) -> Substring? {
    let text = path.utf8
    guard let mark = text.firstIndex(of: Byte.question) else { return nil }
    let query = text[text.index(after: mark)...].prefix { $0 != Byte.number }
    for pair in query.split(separator: Byte.ampersand) {
      let end = pair.firstIndex(of: Byte.equals) ?? pair.endIndex
      if pair[..<end].elementsEqual(name.utf8) { return Substring(pair[end...].dropFirst()) }
    }
    return nil
  }

  /// The first value of a cookie; without its quotes. HTTP/2 may cut `cookie` into several fields (RFC 9113
  /// section 8.2.3). An empty one counts as none.
  public static func cookie(_ name: String, of fields: [Field]) -> Substring? {
    for field in fields where field.name == "cookie" {
      for pair in field.value.utf8.split(separator: Byte.semicolon) {
        guard let equals = pair.firstIndex(of: Byte.equals) else { continue }
        guard trimmed(pair[..<equals]).elementsEqual(name.utf8) else { continue }
        var value = trimmed(pair[equals...].dropFirst())
        if value.count > 1, value.first == Byte.quote, value.last == Byte.quote {
          value = value.dropFirst().dropLast()
        }
        if !value.isEmpty { return Substring(value) }
      }
    }
    return nil
  }

  private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
    var rest = text.drop { $0 == Byte.space || $0 == Byte.tab }
    while let last = rest.last, last == Byte.space || last == Byte.tab { rest.removeLast() }
    return rest
  }

  private enum Byte {
    static let tab = UInt8(ascii: "\t")
    static let space = UInt8(ascii: " ")
    static let quote = UInt8(ascii: "\"")
    static let number = UInt8(ascii: "#")
    static let ampersand = UInt8(ascii: "&")
    static let semicolon = UInt8(ascii: ";")
    static let equals = UInt8(ascii: "=")
    static let question = UInt8(ascii: "?")
  }

  /// 128 random bits in hexadecimal.
  private static func identifier(using random: inout some RandomNumberGenerator) -> String {
    [random.next(), random.next()].map { number in
      let digits = String(number, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// Scripts have no use for it. A lifetime of 0 ends with the browser's session.
  private static func setCookie(_ name: String, _ value: String, path: String, lifetime: Int) -> String {
    var text = "\(name)=\(value)"
    if lifetime > 0 { text += "; Max-Age=\(lifetime)" }
    if !path.isEmpty { text += "; Path=\(path)" }
    return text + "; HttpOnly"
  }
}
