import HTTPModel

/// Where a message ends (RFC 9112 section 6): the places where two readers may differ, and where a lenient
/// one lets requests be smuggled.
enum H1Framing {
  enum Length: Hashable {
    case untold
    case exactly(Int)
    case chunked
  }

  /// The longest Content-Length that fits in an Int with any digits.
  private static let longestLength = 18

  /// Fields that decide where a message ends: no leniency with these.
  static func decides(_ name: String) -> Bool { name == "content-length" || name == "transfer-encoding" }

  static func length(_ fields: [Field], minorVersion: Int, side: H1Side) throws(H1Error) -> Length {
    let refusal = side.refusal
    var length: String?
    var coding: String?
    for field in fields {
      switch field.name {
      case "content-length":
        guard length == nil else { throw H1Error(refusal, "several Content-Lengths") }
        length = field.value
      case "transfer-encoding":
        guard coding == nil else { throw H1Error(refusal, "several Transfer-Encodings") }
        coding = field.value
      default: break
      }
    }
    if let coding {
      guard length == nil else {
        throw H1Error(refusal, "Transfer-Encoding and Content-Length in one message")
      }
      guard minorVersion == 1 else { throw H1Error(refusal, "Transfer-Encoding in HTTP/1.0") }
      try check(coding, side)
      return .chunked
    }
    guard let length else { return .untold }
    guard !length.isEmpty, length.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
      throw H1Error(refusal, "Content-Length is not a number")
    }
    guard length.utf8.count <= longestLength, let number = Int(length) else {
      throw H1Error(side == .requests ? 413 : 502, "Content-Length has too many digits")
    }
    return .exactly(number)
  }

  /// Only `chunked`, once: another coding would have to be undone by who receives it.
  private static func check(_ coding: String, _ side: H1Side) throws(H1Error) {
    let codings = HopByHop.list(coding)
    if codings == ["chunked"], coding.utf8.count == 7 { return }
    guard codings.last == "chunked", !codings.dropLast().contains("chunked"), codings.count > 1 else {
      throw H1Error(side.refusal, "Transfer-Encoding does not end in one chunked")
    }
    throw H1Error(side == .requests ? 501 : 502, "a Transfer-Encoding other than chunked")
  }

  /// Whether the connection outlives the message (RFC 9112 section 9.3).
  static func keepsAlive(_ options: [String], minorVersion: Int) -> Bool {
    if options.contains("close") { return false }
    return minorVersion == 1 || options.contains("keep-alive")
  }
}
