/// A field section of HTTP/2, taken apart and checked (RFC 9113 sections 8.2 and 8.3).
struct FieldSection {
  private(set) var pseudo: [String: String] = [:]
  private(set) var fields: [Field] = []
  private(set) var host: String?

  /// `known` are the pseudo-header fields that may be there, each once and before all others.
  init(_ section: [Field], known: Set<String>) throws(HeadError) {
    var cookie: Int?
    for field in section {
      try Self.check(field)
      if field.name.utf8.first == UInt8(ascii: ":") {
        guard fields.isEmpty, host == nil else { throw HeadError("\(field.name) behind other fields") }
        guard known.contains(field.name) else { throw HeadError("the field \(field.name) has no place here") }
        guard pseudo.updateValue(field.value, forKey: field.name) == nil else {
          throw HeadError("several \(field.name)")
        }
        continue
      }
      switch field.name {
      case "host" where known.contains(":authority"):
        guard host == nil else { throw HeadError("several host fields") }
        host = field.value
      case "te" where field.value != "trailers": throw HeadError("te says more than trailers")
      case "content-length" where fields.contains { $0.name == "content-length" }:
        throw HeadError("several content-length fields")
      // Clients send crumbs for the sake of compression; HTTP/1.1 has one field (section 8.2.3).
      case "cookie" where cookie != nil: fields[cookie ?? 0].value += "; " + field.value
      default:
        if field.name == "cookie" { cookie = fields.count }
        fields.append(field)
      }
    }
  }

  private static func check(_ field: Field) throws(HeadError) {
    var name = field.name.utf8Span.span
    if name.count > 1, name[0] == UInt8(ascii: ":") { name = name.extracting(1...) }
    guard HTTPGrammar.isToken(name), !hasUpperCase(name) else {
      throw HeadError("a field's name is not a token in lower case")
    }
    guard HTTPGrammar.isValue(field.value) else {
      throw HeadError("the value of \(field.name) has a control byte")
    }
    let value = field.value.utf8Span.span
    guard value.isEmpty || !isSpace(value[0]) && !isSpace(value[value.count - 1]) else {
      throw HeadError("the value of \(field.name) begins or ends with space")
    }
    guard !isConnectionSpecific(field.name) else {
      throw HeadError("\(field.name) has no place in HTTP/2")
    }
  }

  private static func hasUpperCase(_ name: Span<UInt8>) -> Bool {
    for index in name.indices where name[index] >= 0x41 && name[index] <= 0x5a { return true }
    return false
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// Fields that HTTP/2 has no place for (section 8.2.2). By length first: nearly every name is none.
  private static func isConnectionSpecific(_ name: String) -> Bool {
    switch name.utf8.count {
    case 7: name == "upgrade"
    case 10: name == "connection" || name == "keep-alive"
    case 16: name == "proxy-connection"
    case 17: name == "transfer-encoding"
    default: false
    }
  }
}
