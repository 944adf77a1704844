/// Finds values in JSON text (RFC 8259) by where they are, so that a file can be edited and everything else
/// of it stays byte for byte as it was.
struct JSONSpan {
  /// Why a text is no JSON, and where, in bytes.
  struct Failure: Error, Hashable, CustomStringConvertible {
    var offset: Int
    var reason: String
    var description: String { "not JSON at byte \(offset): \(reason)" }
  }

  struct Member {
    var key: String
    var value: Range<Int>
  }

  let bytes: [UInt8]
  /// Deeper than any configuration.
  private static let depth = 64

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The one value of the whole text.
  func root() throws(Failure) -> Range<Int> {
    let start = skipSpace(0)
    let end = try skipValue(start, 0)
    guard skipSpace(end) == bytes.count else { throw Failure(offset: end, reason: "more after the value") }
    return start..<end
  }

  /// The members of the object at `range`, in their order.
  func members(of range: Range<Int>) throws(Failure) -> [Member] {
    guard byte(range.lowerBound) == UInt8(ascii: "{") else {
      throw Failure(offset: range.lowerBound, reason: "no object")
    }
    var members: [Member] = []
    var position = skipSpace(range.lowerBound + 1)
    while byte(position) != UInt8(ascii: "}") {
      let keyEnd = try skipText(position)
      let key = try text(position..<keyEnd)
      let colon = skipSpace(keyEnd)
      guard byte(colon) == UInt8(ascii: ":") else { throw Failure(offset: colon, reason: "no colon") }
      let start = skipSpace(colon + 1)
      let end = try skipValue(start, 0)
      members.append(Member(key: key, value: start..<end))
      position = try next(end, UInt8(ascii: "}"))
    }
    return members
  }

  /// The elements of the array at `range`.
  func elements(of range: Range<Int>) throws(Failure) -> [Range<Int>] {
    guard byte(range.lowerBound) == UInt8(ascii: "[") else {
      throw Failure(offset: range.lowerBound, reason: "no list")
    }
    var elements: [Range<Int>] = []
    var position = skipSpace(range.lowerBound + 1)
    while byte(position) != UInt8(ascii: "]") {
      let end = try skipValue(position, 0)
      elements.append(position..<end)
      position = try next(end, UInt8(ascii: "]"))
    }
    return elements
  }

  /// The value of a key of an object; of several the last, as readers of CNI configurations take it.
  func value(_ key: String, of range: Range<Int>) throws(Failure) -> Range<Int>? {
    try members(of: range).last { $0.key == key }?.value
  }

  /// The text of a string, without escapes other than the simple ones.
  func text(_ range: Range<Int>) throws(Failure) -> String {
    guard byte(range.lowerBound) == UInt8(ascii: "\""), range.count >= 2 else {
      throw Failure(offset: range.lowerBound, reason: "no text")
    }
    var out: [UInt8] = []
    var position = range.lowerBound + 1
    while position < range.upperBound - 1 {
      var byte = bytes[position]
      if byte == UInt8(ascii: "\\") {
        position += 1
        switch bytes[position] {
        case UInt8(ascii: "n"): byte = 0x0a
        case UInt8(ascii: "t"): byte = 0x09
        case UInt8(ascii: "r"): byte = 0x0d
        case UInt8(ascii: "b"): byte = 0x08
        case UInt8(ascii: "f"): byte = 0x0c
        case UInt8(ascii: "u"):
          out += try escaped(position)
          position += 5
          continue
        default: byte = bytes[position]
        }
      }
      out.append(byte)
      position += 1
    }
    guard let text = String(validating: out, as: UTF8.self) else {
      throw Failure(offset: range.lowerBound, reason: "text that is not UTF-8")
    }
    return text
  }

  /// `position`: of the `u`. Half of a pair stands for U+FFFD: names of networks have no such characters.
  private func escaped(_ position: Int) throws(Failure) -> [UInt8] {
    guard position + 5 <= bytes.count,
      let unit = UInt32(String(decoding: bytes[position + 1..<position + 5], as: UTF8.self), radix: 16)
    else { throw Failure(offset: position, reason: "a broken escape") }
    return Array(String(Character(Unicode.Scalar(unit) ?? "\u{fffd}")).utf8)
  }

  // MARK: Skipping

  private func byte(_ position: Int) -> UInt8? { position < bytes.count ? bytes[position] : nil }

  private func skipSpace(_ start: Int) -> Int {
    var position = start
    while let byte = byte(position), byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
      position += 1
    }
    return position
  }

  /// After a value: past a comma, or at the end.
  private func next(_ position: Int, _ end: UInt8) throws(Failure) -> Int {
    let found = skipSpace(position)
    if byte(found) == end { return found }
    guard byte(found) == UInt8(ascii: ",") else {
      throw Failure(offset: found, reason: "neither a comma nor an end")
    }
    let start = skipSpace(found + 1)
    guard byte(start) != end else { throw Failure(offset: start, reason: "a comma before the end") }
    return start
  }

  private func skipValue(_ start: Int, _ depth: Int) throws(Failure) -> Int {
    guard depth < Self.depth else { throw Failure(offset: start, reason: "nested too deep") }
    switch byte(start) {
    case UInt8(ascii: "\"")?: return try skipText(start)
    case UInt8(ascii: "{")?: return try skipContainer(start, depth, UInt8(ascii: "}"), isObject: true)
    case UInt8(ascii: "[")?: return try skipContainer(start, depth, UInt8(ascii: "]"), isObject: false)
    default: return try skipWord(start)
    }
  }

  private func skipContainer(_ start: Int, _ depth: Int, _ end: UInt8, isObject: Bool) throws(Failure) -> Int {
    var position = skipSpace(start + 1)
    while byte(position) != end {
      if isObject {
        position = skipSpace(try skipText(position))
        guard byte(position) == UInt8(ascii: ":") else { throw Failure(offset: position, reason: "no colon") }
        position = skipSpace(position + 1)
      }
      position = try next(try skipValue(position, depth + 1), end)
    }
    return position + 1
  }

  private func skipText(_ start: Int) throws(Failure) -> Int {
    guard byte(start) == UInt8(ascii: "\"") else { throw Failure(offset: start, reason: "no text") }
    var position = start + 1
    while let byte = byte(position) {
      switch byte {
      case UInt8(ascii: "\""): return position + 1
      case UInt8(ascii: "\\"): position += 2
      case 0..<0x20: throw Failure(offset: position, reason: "a control character in text")
      default: position += 1
      }
    }
    throw Failure(offset: position, reason: "text that does not end")
  }

  private func skipWord(_ start: Int) throws(Failure) -> Int {
    var position = start
    while let byte = byte(position), Self.isOfWord(byte) { position += 1 }
    let word = String(decoding: bytes[start..<position], as: UTF8.self)
    guard ["true", "false", "null"].contains(word) || Self.isNumber(word) else {
      throw Failure(offset: start, reason: "no value")
    }
    return position
  }

  private static func isOfWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  private static func isNumber(_ word: String) -> Bool {
    guard let first = word.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else {
      return false
    }
    return Double(word) != nil && !word.contains { "xXpP".contains($0) }
  }
}
