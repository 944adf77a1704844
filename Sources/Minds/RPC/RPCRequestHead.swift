public import Bytes
public import HTTPModel

/// The head of a call: its path and what gRPC asks of the fields.
public struct RPCRequestHead: Hashable, Sendable {
  /// `/package.Service/Method`.
  public var path: String
  /// The name that the server goes by.
  public var authority: String
  /// The bearer token, without the word `Bearer`; never logged.
  public var bearerToken: String?
  public var timeout: Interval?

  public init(path: String, authority: String, bearerToken: String? = nil, timeout: Interval? = nil) {
    self.path = path
    self.authority = authority
    self.bearerToken = bearerToken
    self.timeout = timeout
  }

  public var fields: [Field] {
    var fields = [
      Field(":method", "POST"), Field(":scheme", "https"), Field(":path", path),
      Field(":authority", authority),
      Field("content-type", "application/grpc"), Field("te", "trailers"), Field("user-agent", "apus"),
    ]
    if let timeout { fields.append(Field("grpc-timeout", RPCTimeout.encode(timeout))) }
    if let bearerToken { fields.append(Field("authorization", "Bearer \(bearerToken)")) }
    return fields
  }

  /// Reads a request's head, or says how to answer.
  public static func read(_ fields: [Field]) -> Result<RPCRequestHead, RPCRefusal> {
    guard fields.first(":method") == "POST" else { return .failure(.http(405)) }
    guard RPCContentType.isGRPC(fields.first("content-type")) else { return .failure(.http(415)) }
    guard let path = fields.first(":path"), isPath(path) else {
      return .failure(.status(RPCStatus(.unimplemented, "no such method")))
    }
    if let encoding = fields.first("grpc-encoding"), encoding != "identity" {
      return .failure(.status(RPCStatus(.unimplemented, "compression is not supported")))
    }
    var head = RPCRequestHead(path: path, authority: fields.first(":authority") ?? "")
    if let text = fields.first("grpc-timeout") {
      guard let timeout = RPCTimeout.decode(text) else {
        return .failure(.status(RPCStatus(.internal, "grpc-timeout is malformed")))
      }
      head.timeout = timeout
    }
    let authorizations = fields.filter { $0.name == "authorization" }
    if authorizations.count == 1 { head.bearerToken = bearer(authorizations[0].value) }
    return .success(head)
  }

  private static func isPath(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 3 && parts[0].isEmpty && !parts[1].isEmpty && !parts[2].isEmpty
  }

  private static func bearer(_ value: String) -> String? {
    guard value.utf8.count > 7, value.prefix(7).lowercased() == "bearer " else { return nil }
    let token = value.dropFirst(7)
    return token.contains(" ") ? nil : String(token)
  }
}

/// How a request that is not a call is answered: always with a head that ends the stream.
public enum RPCRefusal: Error, Hashable, Sendable {
  /// Not gRPC at all: a plain HTTP status.
  case http(Int)
  case status(RPCStatus)

  public var fields: [Field] {
    switch self {
    case .http(let status): [Field(":status", String(status))]
    case .status(let status): RPCResponseHead.onlyTrailers(status)
    }
  }
}

enum RPCContentType {
  /// `application/grpc`, alone or followed by `+proto` or parameters.
  static func isGRPC(_ value: String?) -> Bool {
    guard let value = value?.lowercased(), value.hasPrefix("application/grpc") else { return false }
    let rest = value.dropFirst("application/grpc".count)
    return rest.isEmpty || rest.hasPrefix(";") || rest == "+proto" || rest.hasPrefix("+proto;")
  }
}
