public import HTTPModel

/// A whole response with its length: what a page is.
public struct H1Response: Hashable, Sendable {
  public var status: Int
  /// Without framing: `content-length` and `connection` are written by `encode`.
  public var fields: [Field]
  public var body: [UInt8]

  public init(status: Int, fields: [Field] = [], body: [UInt8] = []) {
    self.status = status
    self.fields = fields
    self.body = body
  }

  /// A page of text.
  public init(status: Int = 200, text: String, contentType: String = "text/plain; charset=utf-8") {
    self.init(status: status, fields: [Field("content-type", contentType)], body: Array(text.utf8))
  }

  /// The answer to a request that could not be read; close the connection after it.
  public init(_ error: H1Error) { self.init(status: error.status, text: error.detail + "\n") }

  /// The bytes for the connection. `headOnly` is for HEAD: the length is told and the body kept. Fields that
  /// would break the framing, or carry a byte that may not be in a line, are our bug.
  public func encode(headOnly: Bool = false, keepsAlive: Bool) -> [UInt8] {
    precondition((200...599).contains(status), "not a final status")
    var head = "HTTP/1.1 \(status) \(Self.reason(status))\r\n"
    for field in fields {
      precondition(Self.isSendable(field), "the field \(field.name) may not be sent")
      head += "\(field.name): \(field.value)\r\n"
    }
    let hasBody = status != 204 && status != 304
    if hasBody { head += "content-length: \(body.count)\r\n" }
    if !keepsAlive { head += "connection: close\r\n" }
    head += "\r\n"
    return Array(head.utf8) + (hasBody && !headOnly ? body : [])
  }

  private static func isSendable(_ field: Field) -> Bool {
    let framing = ["content-length", "connection", "transfer-encoding"]
    guard !field.name.isEmpty, field.name.utf8.allSatisfy(H1Line.isTokenByte) else { return false }
    guard !framing.contains(field.name.lowercased()) else { return false }
    return field.value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
  }

  private static func reason(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 204: "No Content"
    case 400: "Bad Request"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 413: "Content Too Large"
    case 417: "Expectation Failed"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 505: "HTTP Version Not Supported"
    default: "Status"
    }
  }
}
