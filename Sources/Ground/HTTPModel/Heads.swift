/// The head of a request, as every version of HTTP means it.
public struct RequestHead: Hashable, Sendable {
  public var method: String
  /// `http` or `https`, in lower case; nil when the request does not say (HTTP/1.x in origin form).
  public var scheme: String?
  /// `host` or `host:port`: from the target, `:authority` or Host, which is no longer among the fields. May
  /// be empty; nil when the request names none.
  public var authority: String?
  /// Path and query as sent; `*` for an OPTIONS of the whole server; empty for CONNECT.
  public var path: String
  /// `:protocol` of an extended CONNECT (RFC 8441).
  public var connectProtocol: String?
  /// Names in lower case, in the order received; no pseudo-header fields, no Host.
  public var fields: [Field]

  public init(
    method: String, scheme: String? = nil, authority: String?, path: String, connectProtocol: String? = nil,
    fields: [Field] = []
  ) {
    self.method = method
    self.scheme = scheme
    self.authority = authority
    self.path = path
    self.connectProtocol = connectProtocol
    self.fields = fields
  }

  /// The path without its query.
  public var pathOnly: Substring { question.map { path[..<$0] } ?? path[...] }

  /// What follows the first `?`.
  public var query: Substring? { question.map { path[path.utf8.index(after: $0)...] } }

  private var question: String.Index? { path.utf8.firstIndex(of: UInt8(ascii: "?")) }
}

/// The head of a response, as every version of HTTP means it.
public struct ResponseHead: Hashable, Sendable {
  /// Three digits.
  public var status: Int
  /// Names in lower case, in the order received; no pseudo-header fields.
  public var fields: [Field]

  public init(status: Int, fields: [Field] = []) {
    self.status = status
    self.fields = fields
  }

  /// Another response will follow (RFC 9110 section 15.2); 101 is the last of its exchange in HTTP/1.1.
  public var isInformational: Bool { (100..<200).contains(status) && status != 101 }
}

/// How long a body is, as far as its head tells.
public enum BodySize: Hashable, Sendable {
  /// There is none, and no field speaks of one.
  case none
  /// Bytes, as Content-Length tells.
  case exactly(Int)
  /// Its end will be seen when it comes.
  case streamed
}
