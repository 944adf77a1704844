import HTTPModel

/// The request that a connection would carry, for policies that ask for it.
public struct HTTPQuestion: Sendable {
  /// The longest path and the longest header, in bytes (RFC 9112 section 3 asks for 8000 at least).
  private static let maximumLength = 8_192
  private static let maximumHeaders = 100

  public let method: String?
  public let path: String?
  /// Names in lower case.
  public let headers: [(name: String, value: String)]

  /// Nil when nothing is asked. `headers` as `NAME:VALUE`; spaces around the value do not count.
  public init?(method: String?, path: String?, headers: [String]) throws(QuestionError) {
    guard method != nil || path != nil || !headers.isEmpty else { return nil }
    if let method, !Self.isToken(method) || method.utf8.count > 32 {
      throw QuestionError("\(method.debugDescription) is no HTTP method, such as GET.")
    }
    if let path, !Self.isPath(path) {
      throw QuestionError(
        "\(path.debugDescription) is no path: it begins with a slash and has no spaces, such as /v1/payments."
      )
    }
    guard headers.count <= Self.maximumHeaders else {
      throw QuestionError("More than \(Self.maximumHeaders) headers are not taken.")
    }
    self.method = method
    self.path = path
    var fields: [(name: String, value: String)] = []
    for text in headers { fields.append(try Self.header(text)) }
    self.headers = fields
  }

  private static func header(_ text: String) throws(QuestionError) -> (name: String, value: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, isToken(String(parts[0])), text.utf8.count <= maximumLength else {
      throw QuestionError("\(text.debugDescription) is no header: write NAME:VALUE.")
    }
    let value = String(parts[1].drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
      throw QuestionError("The header \(parts[0]) has a value with control characters.")
    }
    return (parts[0].lowercased(), value)
  }

  /// RFC 9110 section 5.6.2.
  private static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }

  private static func isPath(_ text: String) -> Bool {
    text.hasPrefix("/") && text.utf8.count <= maximumLength
      && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") }
  }

  /// As a waypoint receives it from who leaves out what was left out: a GET of `/`, addressed by that name.
  func head(host: String) -> RequestHead {
    RequestHead(
      method: method ?? "GET", scheme: "http", authority: headers.first { $0.name == "host" }?.value ?? host,
      path: path ?? "/",
      fields: headers.filter { $0.name != "host" }.map { Field($0.name, $0.value) })
  }

  /// `POST /v1/payments with the header x-a`.
  var text: String {
    let line = [method, path].compactMap(\.self).joined(separator: " ")
    let names = headers.map(\.name)
    guard !names.isEmpty else { return line }
    let noun = names.count == 1 ? "the header" : "the headers"
    return "\(line.isEmpty ? "a request" : line) with \(noun) \(names.joined(separator: ", "))"
  }
}
