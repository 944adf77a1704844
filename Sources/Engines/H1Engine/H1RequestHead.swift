public import HTTPModel

/// The head of an HTTP/1.x request (RFC 9112), checked.
public struct H1RequestHead: Hashable, Sendable {
  public let method: String
  /// Origin form (`/path?query`) or, for OPTIONS, `*`.
  public let target: String
  /// 0 or 1.
  public let minorVersion: Int
  /// Names in lower case, in the order received.
  public let fields: [Field]
  /// The length of the body, in bytes; 0 without one.
  public let contentLength: Int
  /// False when the client wants the connection closed after the answer.
  public let keepsAlive: Bool

  /// The target without its query.
  public var path: Substring { target.prefix { $0 != "?" } }
  /// What follows the first `?`.
  public var query: Substring? {
    target.firstIndex(of: "?").map { target[target.index(after: $0)...] }
  }
}

extension H1RequestHead {
  /// Draws the conclusions that decide where the request ends: the places where two readers may differ.
  init(method: String, target: String, minorVersion: Int, fields: [Field], limits: H1Limits) throws(H1Error) {
    let hosts = fields.filter { $0.name == "host" }
    guard hosts.count <= 1, minorVersion == 0 || hosts.count == 1 else {
      throw H1Error(400, "a request has exactly one Host")
    }
    if fields.contains(where: { $0.name == "transfer-encoding" }) {
      guard minorVersion == 1, !fields.contains(where: { $0.name == "content-length" }) else {
        throw H1Error(400, "Transfer-Encoding and Content-Length in one request")
      }
      throw H1Error(501, "Transfer-Encoding is not supported")
    }
    let lengths = fields.filter { $0.name == "content-length" }
    guard lengths.count <= 1 else { throw H1Error(400, "two Content-Lengths") }
    contentLength =
      try lengths.first.map { field throws(H1Error) in try Self.length(field.value, limits) } ?? 0
    if fields.contains(where: { $0.name == "expect" }) { throw H1Error(417, "Expect is not supported") }
    let options = fields.filter { $0.name == "connection" }
      .flatMap { $0.value.lowercased().split(separator: ",") }
      .map { String($0.filter { $0 != " " && $0 != "\t" }) }
    keepsAlive = minorVersion == 1 && !options.contains("close")
    self.method = method
    self.target = target
    self.minorVersion = minorVersion
    self.fields = fields
  }

  private static func length(_ text: String, _ limits: H1Limits) throws(H1Error) -> Int {
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
      throw H1Error(400, "Content-Length is not a number")
    }
    guard text.utf8.count <= 18, let length = Int(text), length <= limits.maximumBody else {
      throw H1Error(413, "the body is above the limit of \(limits.maximumBody) bytes")
    }
    return length
  }
}
