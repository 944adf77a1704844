/// Whose tokens are accepted (RequestAuthentication), and where they are found in a request. A request
/// without a token passes without an identity of its user; one with a bad token is answered 401.
public struct TokenAuthentication: Hashable, Sendable, Codable {
  /// `RequestAuthentication production/users`; workloads name it so (`Workload.authentications`).
  public var origin: String
  public var namespace: String
  /// Binds the workloads that name it; else every workload behind the waypoint.
  public var isSelective: Bool
  public var issuers: [TokenIssuer]

  public init(origin: String, namespace: String, isSelective: Bool = false, issuers: [TokenIssuer]) {
    self.origin = origin
    self.namespace = namespace
    self.isSelective = isSelective
    self.issuers = issuers
  }
}

/// A rule of `jwtRules`.
public struct TokenIssuer: Hashable, Sendable, Codable {
  /// Where the issuer's keys are.
  public enum Keys: Hashable, Sendable, Codable {
    /// A JWKS document.
    case inline(String)
    /// Fetched, kept, and fetched again every 20 minutes.
    case uri(String)
  }

  /// Where a token is looked for.
  public enum Location: Hashable, Sendable, Codable {
    case header(name: String, prefix: String)
    case query(String)
    case cookie(String)
  }

  /// A claim that the application gets as a header.
  public struct ClaimHeader: Hashable, Sendable, Codable {
    public var header: String
    /// Nested claims by dots.
    public var claim: String

    public init(header: String, claim: String) {
      self.header = header
      self.claim = claim
    }
  }

  public var issuer: String
  /// One must be in the token; none accept any.
  public var audiences: [String]
  public var keys: Keys
  /// Tried in order. Never empty: `Authorization: Bearer`, then `access_token` of the query, when nothing is
  /// written.
  public var locations: [Location]
  public var forwardsToken: Bool
  /// The payload, base64url, goes to the application under this header.
  public var payloadHeader: String?
  public var claimHeaders: [ClaimHeader]
  /// For fetching keys, in milliseconds.
  public var timeout: Int

  public static let standardLocations: [Location] = [
    .header(name: "authorization", prefix: "Bearer "), .query("access_token"),
  ]

  public init(
    issuer: String, audiences: [String] = [], keys: Keys, locations: [Location] = standardLocations,
    forwardsToken: Bool = false, payloadHeader: String? = nil, claimHeaders: [ClaimHeader] = [],
    timeout: Int = 5_000
  ) {
    self.issuer = issuer
    self.audiences = audiences
    self.keys = keys
    self.locations = locations
    self.forwardsToken = forwardsToken
    self.payloadHeader = payloadHeader
    self.claimHeaders = claimHeaders
    self.timeout = timeout
  }
}
