public import HTTPModel
public import MeshModel

/// What policies may ask about a request.
public struct RequestFacts: Sendable {
  public var method: String
  /// In its normal form, without the query.
  public var path: String
  /// The authority, `host` or `host:port`.
  public var host: String?
  /// Names in lower case.
  public var fields: [Field]
  /// The client's address as trusted proxies before the mesh tell it; nil when none does, and then it is that
  /// of the peer.
  public var remote: IPAddress?
  /// Trusted proxies should tell the client's address, and what came says none: nobody knows it.
  public var isRemoteUnknown = false
  /// The request has no path, as a CONNECT: what is asked of one holds for a DENY and for no ALLOW.
  public var isPathUnknown = false
  /// What the client's own TLS inside of the connection asked for; nil for plain HTTP.
  public var serverName: String?
  /// Of a token that was checked; nil without one.
  public var token: TokenIdentity?

  public init(
    method: String, path: String, host: String?, fields: [Field] = [], remote: IPAddress? = nil,
    serverName: String? = nil, token: TokenIdentity? = nil
  ) {
    self.method = method
    self.path = path
    self.host = host
    self.fields = fields
    self.remote = remote
    self.serverName = serverName
    self.token = token
  }
}
