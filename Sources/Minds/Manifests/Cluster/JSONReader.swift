/// Reads JSON (RFC 8259) as the same values that YAML is read as. Made for lists of the Kubernetes API, which
/// a reader of YAML takes ten times as long for.
///
/// A key that is there twice counts once, the last one, as the Kubernetes API reads it. Lines are not
/// counted: nobody edits these texts.
struct JSONReader {
  private let bytes: [UInt8]
  private var position = 0
  /// Values still allowed.
  private var budget: Int

  /// Why a text is no JSON, and where, in bytes.
  struct Failure: Error, Hashable, CustomStringConvertible {
    var offset: Int
    var reason: String
    var description: String { "not JSON at byte \(offset): \(reason)" }
  }

  private init(_ bytes: [UInt8], budget: Int) {
    self.bytes = bytes
    self.budget = budget
  }

  /// The one value of the text. `budget`: the most values that it may hold.
  static func read(_ bytes: [UInt8], budget: Int = Limits.nodesPerFile) throws(Failure) -> YAMLNode {
    var reader = JSONReader(bytes, budget: budget)
    let node = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.position == bytes.count else { throw reader.failure("more text after the value") }
    return node
  }

  private func failure(_ reason: String) -> Failure { Failure(offset: position, reason: reason) }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0a, 0x0d: position += 1
      default: return
      }
    }
  }

  private mutating func next() throws(Failure) -> UInt8 {
    skipSpace()
    guard position < bytes.count else { throw failure("the text ends early") }
    return bytes[position]
  }

  private mutating func value(depth: Int) throws(Failure) -> YAMLNode {
    guard depth < Limits.depth else { throw failure("values are nested deeper than \(Limits.depth)") }
    budget -= 1
    guard budget > 0 else { throw failure("there are too many values") }
    let content: YAMLNode.Content
    switch try next() {
    case UInt8(ascii: "{"): content = .map(try object(depth: depth))
    case UInt8(ascii: "["): content = .list(try array(depth: depth))
    case UInt8(ascii: "\""): content = .scalar(try text(), isPlain: false)
    case UInt8(ascii: "t"): content = .scalar(try word("true"), isPlain: true)
    case UInt8(ascii: "f"): content = .scalar(try word("false"), isPlain: true)
    case UInt8(ascii: "n"):
      _ = try word("null")
      content = .null
    default: content = .scalar(try number(), isPlain: true)
    }
    return YAMLNode(content: content, line: 0)
  }

  private mutating func object(depth: Int) throws(Failure) -> [YAMLNode.Entry] {
    position += 1
    var entries: [YAMLNode.Entry] = []
    if try next() == UInt8(ascii: "}") {
      position += 1
      return entries
    }
    // A linear search would be quadratic in what a peer sends; few objects are large.
    var places: [String: Int] = [:]
    while true {
      guard try next() == UInt8(ascii: "\"") else { throw failure("a key is not text") }
      let key = try text()
      guard try next() == UInt8(ascii: ":") else { throw failure("no colon after a key") }
      position += 1
      let entry = YAMLNode.Entry(key: key, line: 0, value: try value(depth: depth + 1))
      if let place = places.updateValue(entries.count, forKey: key) {
        places[key] = place
        entries[place] = entry
      } else {
        entries.append(entry)
      }
      guard try goesOn(until: UInt8(ascii: "}")) else { return entries }
    }
  }

  private mutating func array(depth: Int) throws(Failure) -> [YAMLNode] {
    position += 1
    var elements: [YAMLNode] = []
    if try next() == UInt8(ascii: "]") {
      position += 1
      return elements
    }
    while true {
      elements.append(try value(depth: depth + 1))
      guard try goesOn(until: UInt8(ascii: "]")) else { return elements }
    }
  }

  /// True after a comma, false after the end.
  private mutating func goesOn(until end: UInt8) throws(Failure) -> Bool {
    let byte = try next()
    guard byte == UInt8(ascii: ",") || byte == end else { throw failure("neither a comma nor an end") }
    position += 1
    return byte != end
  }

  private mutating func word(_ word: String) throws(Failure) -> String {
    guard bytes[position...].starts(with: word.utf8) else { throw failure("an unknown word") }
    position += word.utf8.count
    return word
  }

  private mutating func number() throws(Failure) -> String {
    let start = position
    if peek == UInt8(ascii: "-") { position += 1 }
    let whole = digits()
    guard whole > 0, whole == 1 || bytes[position - whole] != UInt8(ascii: "0") else {
      throw failure("neither a value nor a number")
    }
    if peek == UInt8(ascii: ".") {
      position += 1
      guard digits() > 0 else { throw failure("a number ends early") }
    }
    if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
      position += 1
      if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
      guard digits() > 0 else { throw failure("a number ends early") }
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func digits() -> Int {
    let start = position
    while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    return position - start
  }

  // MARK: Text

  private mutating func text() throws(Failure) -> String {
    position += 1
    let start = position
    while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
      position += 1
    }
    if peek == UInt8(ascii: "\"") {
      let plain = try decoded(bytes[start..<position])
      position += 1
      return plain
    }
    return try escapedText(Array(bytes[start..<position]))
  }

  private func decoded(_ slice: some Collection<UInt8>) throws(Failure) -> String {
    guard let text = String(validating: slice, as: UTF8.self) else { throw failure("text that is not UTF-8") }
    return text
  }

  private mutating func escapedText(_ beginning: [UInt8]) throws(Failure) -> String {
    var out = beginning
    while let byte = peek {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return try decoded(out)
      case UInt8(ascii: "\\"): try escape(into: &out)
      case 0..<0x20: throw failure("a control character in text")
      default: out.append(byte)
      }
    }
    throw failure("text that does not end")
  }

  private mutating func escape(into out: inout [UInt8]) throws(Failure) {
    guard let byte = peek else { throw failure("text that does not end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
    case UInt8(ascii: "b"): out.append(0x08)
    case UInt8(ascii: "f"): out.append(0x0c)
    case UInt8(ascii: "n"): out.append(0x0a)
    case UInt8(ascii: "r"): out.append(0x0d)
    case UInt8(ascii: "t"): out.append(0x09)
    case UInt8(ascii: "u"): out += Array(String(try scalar()).utf8)
    default: throw failure("an unknown escape")
    }
  }

  /// One code point from one or two escapes; half a pair stands for U+FFFD, as Go reads it.
  private mutating func scalar() throws(Failure) -> Character {
    let first = try unit()
    if (0xd800..<0xdc00).contains(first), bytes[position...].starts(with: [0x5c, 0x75]) {
      let saved = position
      position += 2
      let second = try unit()
      if (0xdc00..<0xe000).contains(second),
        let pair = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
      {
        return Character(pair)
      }
      position = saved
    }
    return Character(Unicode.Scalar(first) ?? "\u{fffd}")
  }

  private mutating func unit() throws(Failure) -> UInt32 {
    guard position + 4 <= bytes.count,
      bytes[position..<position + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let unit = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw failure("an escape without four hexadecimal digits") }
    position += 4
    return unit
  }
}
