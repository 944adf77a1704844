/// What a rule asks of a request; everything that is said must hold.
public struct RequestMatch: Hashable, Sendable, Codable {
  public var path: PathMatch?
  public var method: TextMatch?
  public var authority: TextMatch?
  public var scheme: TextMatch?
  /// Names in lower case.
  public var headers: [FieldMatch]
  public var withoutHeaders: [FieldMatch]
  public var query: [FieldMatch]
  /// Port of the service.
  public var port: UInt16?
  /// Labels and namespace of the client's workload, as the mesh knows it.
  public var sourceNamespace: String?

  public init(
    path: PathMatch? = nil, method: TextMatch? = nil, authority: TextMatch? = nil, scheme: TextMatch? = nil,
    headers: [FieldMatch] = [], withoutHeaders: [FieldMatch] = [], query: [FieldMatch] = [],
    port: UInt16? = nil, sourceNamespace: String? = nil
  ) {
    self.path = path
    self.method = method
    self.authority = authority
    self.scheme = scheme
    self.headers = headers
    self.withoutHeaders = withoutHeaders
    self.query = query
    self.port = port
    self.sourceNamespace = sourceNamespace
  }
}

/// How a text is compared.
public enum TextMatch: Hashable, Sendable, Codable {
  case exact(String)
  /// Textual.
  case prefix(String)
  /// An expression (RE2 syntax, at most 1,024 characters) that must match the whole.
  case expression(String)
  /// There is one, empty or not.
  case present
}

/// How a path is compared, its query left out.
public struct PathMatch: Hashable, Sendable, Codable {
  /// How the path is compared.
  /// How the path is compared.
  public enum Kind: Hashable, Sendable, Codable {
    case exact(String)
    case prefix(String)
    /// A prefix of whole segments: `/a` matches `/a` and `/a/b`, not `/ab` (Gateway API `PathPrefix`).
    case segments(String)
    case expression(String)
  }

  public var kind: Kind
  /// `ignoreUriCase`; not for expressions.
  public var ignoresCase: Bool

  public init(_ kind: Kind, ignoresCase: Bool = false) {
    self.kind = kind
    self.ignoresCase = ignoresCase
  }
}

/// A header or a parameter of the query, by name.
public struct FieldMatch: Hashable, Sendable, Codable {
  public var name: String
  public var value: TextMatch

  public init(_ name: String, _ value: TextMatch) {
    self.name = name
    self.value = value
  }
}
