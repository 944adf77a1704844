/// A field section of HTTP/2, taken apart and checked (RFC 9113 sections 8.2 and 8.3).
struct FieldSection {
  private(set) var pseudo: [String: String] = [:]
  private(set) var fields: [Field] = []
  private(set) var host: String?

  /// Fields that HTTP/2 has no place for (section 8.2.2).
  private static let connectionSpecific: Set<String> = [
    "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",
  ]

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
    let name = field.name.utf8.first == UInt8(ascii: ":") ? field.name.dropFirst() : field.name[...]
    guard HTTPGrammar.isToken(name), !name.utf8.contains(where: { (0x41...0x5a).contains($0) }) else {
      throw HeadError("a field's name is not a token in lower case")
    }
    guard field.value.utf8.allSatisfy(HTTPGrammar.isValue) else {
      throw HeadError("the value of \(field.name) has a control byte")
    }
    let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
    guard field.value.utf8.first.map(isSpace) != true, field.value.utf8.last.map(isSpace) != true else {
      throw HeadError("the value of \(field.name) begins or ends with space")
    }
    guard !connectionSpecific.contains(field.name) else {
      throw HeadError("\(field.name) has no place in HTTP/2")
    }
  }
}
