import FoundationEssentials
import MeshModel

extension Rewrite {
  /// `rewrite` of a rule of a VirtualService.
  init(reading section: Section, of rule: Section) {
    self.init()
    section.expectOnly(["uri", "authority", "uriRegexRewrite"])
    section.conflict("uriRegexRewrite", with: "uri")
    authority = section.string("authority").flatMap { $0.isEmpty ? nil : $0 }
    if let uri = section.string("uri"), !uri.isEmpty { path = .prefix(uri) }
    if let regex = section.section("uriRegexRewrite") {
      regex.expectOnly(["match", "rewrite"])
      for key in ["match", "rewrite"] where !regex.has(key) { regex.missing(key) }
      if let match = regex.expression("match"), let text = regex.substitution("rewrite", for: match) {
        path = .expression(match, substitution: text)
      }
    }
    if section.entries.isEmpty {
      section.sink.report(.emptyPolicy, .warning, line: section.line, "\(section.path) says nothing")
    }
    // Both would say what the authority is.
    let set = rule.section("headers")?.section("request")?.section("set")?.entries ?? []
    let names = [":authority", "host"]
    if section.has("authority"), let other = set.first(where: { names.contains($0.key.lowercased()) }) {
      section.sink.report(
        .exclusiveFields, .error, line: other.line,
        "\(section.path("authority")) and headers set the authority",
        remedy: "Keep one of the two.")
    }
  }
}

extension Redirect {
  /// `redirect` of a rule of a VirtualService.
  init(reading section: Section) {
    self.init()
    section.expectOnly([
      "uri", "authority", "port", "derivePort", "scheme", "redirectCode", "prefixRewrite",
    ])
    section.conflict("prefixRewrite", with: "uri")
    section.conflict("derivePort", with: "port")
    if let uri = section.string("uri"), !uri.isEmpty { path = .whole(uri) }
    if let prefix = section.string("prefixRewrite"), !prefix.isEmpty { path = .prefix(prefix) }
    authority = section.string("authority").flatMap { $0.isEmpty ? nil : $0 }
    scheme = section.string("scheme").flatMap { $0.isEmpty ? nil : $0 }
    if let number = section.portNumber("port") { port = .number(number) }
    switch section.string("derivePort") {
    case nil: break
    case "FROM_PROTOCOL_DEFAULT": port = .ofScheme
    case "FROM_REQUEST_PORT": port = .ofRequest
    case .some(let text): section.invalid("derivePort", "\(text.debugDescription) is no way to derive a port")
    }
    if let code = section.integer("redirectCode", in: 300...399) {
      if [301, 302, 303, 307, 308].contains(code) {
        status = code
      } else {
        section.invalid("redirectCode", "\(code) is no redirect", remedy: "Use 301, 302, 303, 307 or 308.")
      }
    }
  }
}

extension DirectResponse {
  /// Longest body, in bytes, as in the API.
  private static let longestBody = 1 << 20

  init(reading section: Section) {
    section.expectOnly(["status", "body"])
    if !section.has("status") { section.missing("status") }
    self.init(status: section.status("status") ?? 503)
    guard let text = section.section("body") else { return }
    text.expectOnly(["string", "bytes"])
    switch text.only(of: ["string", "bytes"]) {
    case "string": body = Array((text.string("string") ?? "").utf8)
    case "bytes":
      let data = text.string("bytes").map { Data(base64Encoded: $0) }
      if case .some(nil) = data { text.invalid("bytes", "is not base64") }
      body = [UInt8]((data ?? nil) ?? Data())
    default: text.invalid("string", "is missing, and so is bytes")
    }
    if body.count >= Self.longestBody {
      section.invalid("body", "has \(body.count) bytes, not less than \(Self.longestBody)")
      body = []
    }
  }
}

extension HeaderChanges {
  /// `headers` with `request` and `response`.
  init(reading section: Section) {
    self.init()
    section.expectOnly(["request", "response"])
    if let section = section.section("request") { request = Changes(reading: section) }
    if let section = section.section("response") { response = Changes(reading: section) }
  }
}

extension HeaderChanges.Changes {
  /// VirtualServices write headers as maps, routes as lists.
  init(
    reading section: Section, headers: (Section, String) -> [HeaderChanges.Header] = Self.headers
  ) {
    self.init()
    section.expectOnly(["set", "add", "remove"])
    set = headers(section, "set")
    add = headers(section, "add")
    remove = section.strings("remove").map { $0.lowercased() }
    for name in remove where !Self.isFieldName(name) {
      section.invalid("remove", "names \(name.debugDescription), which is no header")
    }
  }

  static func headers(_ section: Section, _ key: String) -> [HeaderChanges.Header] {
    section.stringMap(key).sorted { $0.key < $1.key }.compactMap { name, value in
      guard isFieldName(name.hasPrefix(":") ? String(name.dropFirst()) : name), isFieldValue(value) else {
        section.section(key)?.invalid(name, "is no header that can be sent")
        return nil
      }
      return HeaderChanges.Header(name.lowercased(), value)
    }
  }

  /// RFC 9110 section 5.6.2.
  static func isFieldName(_ text: String) -> Bool {
    !text.isEmpty && text.lowercased().utf8.allSatisfy(fieldNameBytes.contains)
  }

  private static let fieldNameBytes = Set("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~".utf8)

  /// No control bytes, so that one header never becomes two.
  static func isFieldValue(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
  }
}
