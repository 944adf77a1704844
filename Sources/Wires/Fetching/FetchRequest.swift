public import HTTPModel

/// What is asked of a server.
public struct FetchRequest: Hashable, Sendable {
  public var method: String
  public var url: FetchURL
  /// Names in lower case; without Host and framing.
  public var fields: [Field]
  /// Nil for none.
  public var body: [UInt8]?

  public init(_ method: String = "GET", _ url: FetchURL, fields: [Field] = [], body: [UInt8]? = nil) {
    self.method = method
    self.url = url
    self.fields = fields
    self.body = body
  }

  var head: RequestHead {
    var head = RequestHead(method: method, authority: url.authority, path: url.target, fields: fields)
    if fields.first("accept") == nil { head.fields.append(Field("accept", "*/*")) }
    if fields.first("user-agent") == nil { head.fields.append(Field("user-agent", "apus")) }
    return head
  }
}

/// What a server answered, whole. Every status is an answer, not an error.
public struct FetchResponse: Hashable, Sendable {
  public let status: Int
  public let fields: [Field]
  public let body: [UInt8]

  public var isSuccess: Bool { (200..<300).contains(status) }
  public var text: String { String(decoding: body, as: UTF8.self) }
}
