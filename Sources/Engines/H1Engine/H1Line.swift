import HTTPModel

/// The grammar of one line of a head (RFC 9112 sections 3 and 5), without its CRLF.
enum H1Line {
  /// The longest method that anyone has registered is 17 letters.
  private static let longestMethod = 32

  static func request(_ line: [UInt8]) throws(H1Error) -> (method: String, target: String, minorVersion: Int)
  {
    let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw H1Error(400, "the request line has not three parts") }
    let (method, target, version) = (parts[0], parts[1], parts[2])
    guard (1...longestMethod).contains(method.count), method.allSatisfy(isTokenByte) else {
      throw H1Error(400, "the method is not a token")
    }
    let minor = try minorVersion(version)
    let text = String(decoding: method, as: UTF8.self)
    guard target.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }) else {
      throw H1Error(400, "the target has a byte that it may not have")
    }
    let isOrigin = target.first == UInt8(ascii: "/")
    guard isOrigin || (text == "OPTIONS" && target.elementsEqual([UInt8(ascii: "*")])) else {
      throw H1Error(400, "the target is not in origin form")
    }
    return (text, String(decoding: target, as: UTF8.self), minor)
  }

  private static func minorVersion(_ version: ArraySlice<UInt8>) throws(H1Error) -> Int {
    let text = String(decoding: version, as: UTF8.self)
    if text == "HTTP/1.1" { return 1 }
    if text == "HTTP/1.0" { return 0 }
    let isHTTP = text.hasPrefix("HTTP/") && text.utf8.count == 8
    throw isHTTP ? H1Error(505, "only HTTP/1.0 and HTTP/1.1") : H1Error(400, "the version is malformed")
  }

  static func field(_ line: [UInt8]) throws(H1Error) -> Field {
    guard let first = line.first, !isSpace(first) else { throw H1Error(400, "a folded field") }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
      throw H1Error(400, "a field without colon")
    }
    let name = line[..<colon]
    guard !name.isEmpty, name.allSatisfy(isTokenByte) else {
      throw H1Error(400, "a field's name is not a token")
    }
    var value = line[(colon + 1)...].drop(while: isSpace)
    while let last = value.last, isSpace(last) { value.removeLast() }
    guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
      throw H1Error(400, "a field's value has a control byte")
    }
    guard let text = String(validating: value, as: UTF8.self) else {
      throw H1Error(400, "a field's value is not UTF-8")
    }
    return Field(String(decoding: name, as: UTF8.self).lowercased(), text)
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"): true
    case UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): true
    case UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"): true
    default: false
    }
  }
}
