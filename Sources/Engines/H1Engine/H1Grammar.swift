import HTTPModel

/// The grammar of the lines of a head (RFC 9112 sections 3 to 5), given without their CRLF.
enum H1Grammar {
  /// The longest method that anyone has registered is 17 letters.
  private static let longestMethod = 32

  static let carriageReturn = UInt8(ascii: "\r")
  static let lineFeed = UInt8(ascii: "\n")

  struct RequestLine {
    var method = ""
    var target = ""
    var minorVersion = 1
  }

  static func requestLine(_ line: Span<UInt8>) throws(H1Error) -> RequestLine {
    guard let first = index(of: 0x20, in: line, from: 0),
      let second = index(of: 0x20, in: line, from: first + 1),
      index(of: 0x20, in: line, from: second + 1) == nil
    else { throw H1Error(400, "the request line has not three parts") }
    let (method, target) = (line.extracting(0..<first), line.extracting(first + 1..<second))
    guard (1...longestMethod).contains(method.count), all(method, HTTPGrammar.isToken) else {
      throw H1Error(400, "the method is not a token")
    }
    let minor = try minorVersion(line.extracting((second + 1)...), refusal: 400)
    guard !target.isEmpty, all(target, HTTPGrammar.isTarget) else {
      throw H1Error(400, "the target is empty or has a byte that it may not have")
    }
    return RequestLine(method: WireText.text(method), target: WireText.text(target), minorVersion: minor)
  }

  /// Answers status and minor version; the reason phrase, which may be missing, says nothing.
  static func statusLine(_ line: Span<UInt8>) throws(H1Error) -> (status: Int, minorVersion: Int) {
    guard let first = index(of: 0x20, in: line, from: 0) else {
      throw H1Error(502, "the status line is malformed")
    }
    let minor = try minorVersion(line.extracting(0..<first), refusal: 502)
    let rest = line.extracting((first + 1)...)
    guard rest.count == 3 || rest.count > 3 && rest[3] == 0x20, all(rest, HTTPGrammar.isValue) else {
      throw H1Error(502, "the status line is malformed")
    }
    var status = 0
    for index in 0..<3 {
      guard rest[index] >= 0x30, rest[index] <= 0x39 else { throw H1Error(502, "the status is not a number") }
      status = status * 10 + Int(rest[index] - 0x30)
    }
    guard status >= 100 else { throw H1Error(502, "the status is below 100") }
    return (status, minor)
  }

  private static func minorVersion(_ version: Span<UInt8>, refusal: Int) throws(H1Error) -> Int {
    let text = WireText.text(version)
    if text == "HTTP/1.1" { return 1 }
    if text == "HTTP/1.0" { return 0 }
    guard refusal == 400, text.hasPrefix("HTTP/"), text.utf8.count == 8 else {
      throw H1Error(refusal, "the version is malformed")
    }
    throw H1Error(505, "only HTTP/1.0 and HTTP/1.1")
  }

  /// One field. `room` is where names are made lower-case: it keeps its memory from field to field. In a
  /// response, space before the colon is removed, as RFC 9112 section 5.1 asks of a proxy.
  static func field(_ line: Span<UInt8>, side: H1Side, room: inout [UInt8]) throws(H1Error) -> Field {
    let refusal = side.refusal
    guard let colon = index(of: 0x3a, in: line, from: 0) else {
      throw H1Error(refusal, "a field without colon")
    }
    let before = line.extracting(0..<colon)
    let name = side == .requests ? before : before.extracting(trimmed(before, front: false))
    guard !name.isEmpty, all(name, HTTPGrammar.isToken) else {
      throw H1Error(refusal, "a field's name is not a token")
    }
    room.removeAll(keepingCapacity: true)
    for index in name.indices { room.append(lowercased(name[index])) }
    let field = Field(WireText.text(room.span), try value(line.extracting((colon + 1)...), side: side))
    guard name.count == colon || !H1Framing.decides(field.name) else {
      throw H1Error(refusal, "space before the colon of \(field.name)")
    }
    return field
  }

  /// A field's value, or the continuation of one.
  static func value(_ bytes: Span<UInt8>, side: H1Side) throws(H1Error) -> String {
    let value = bytes.extracting(trimmed(bytes, front: true))
    guard all(value, HTTPGrammar.isValue) else {
      throw H1Error(side.refusal, "a field's value has a control byte")
    }
    return WireText.text(value)
  }

  /// The size in a chunk's first line, and how many bytes its extensions take (RFC 9112 section 7.1).
  static func chunkSize(_ line: Span<UInt8>, side: H1Side) throws(H1Error) -> (size: Int, extensions: Int) {
    var size = 0
    var next = 0
    while next < line.count, let digit = hexadecimal(line[next]) {
      // Fifteen digits are less than Int.max; zeros in front are digits like others.
      guard next < 15 else { throw H1Error(side.refusal, "a chunk's size is too long") }
      size = size << 4 | digit
      next += 1
    }
    guard next > 0 else { throw H1Error(side.refusal, "a chunk's size is not a number") }
    let rest = line.extracting(next...)
    guard !rest.isEmpty else { return (size, 0) }
    guard all(rest, HTTPGrammar.isValue) else {
      throw H1Error(side.refusal, "a chunk's extension has a control byte")
    }
    // Old servers pad the size with spaces.
    guard trimmed(rest, front: true).isEmpty ? side == .responses : rest[0] == 0x3b else {
      throw H1Error(side.refusal, "a chunk's size is not a number")
    }
    return (size, rest.count)
  }

  private static func hexadecimal(_ byte: UInt8) -> Int? {
    switch byte {
    case 0x30...0x39: Int(byte - 0x30)
    case 0x41...0x46: Int(byte - 0x41 + 10)
    case 0x61...0x66: Int(byte - 0x61 + 10)
    default: nil
    }
  }

  static func lowercased(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }

  static func index(of byte: UInt8, in bytes: Span<UInt8>, from start: Int) -> Int? {
    var index = start
    while index < bytes.count {
      if bytes[index] == byte { return index }
      index += 1
    }
    return nil
  }

  private static func all(_ bytes: Span<UInt8>, _ test: (UInt8) -> Bool) -> Bool {
    for index in bytes.indices where !test(bytes[index]) { return false }
    return true
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// Where the bytes are without the space around them.
  private static func trimmed(_ bytes: Span<UInt8>, front: Bool) -> Range<Int> {
    var start = 0
    var end = bytes.count
    while front, start < end, isSpace(bytes[start]) { start += 1 }
    while end > start, isSpace(bytes[end - 1]) { end -= 1 }
    return start..<end
  }
}
