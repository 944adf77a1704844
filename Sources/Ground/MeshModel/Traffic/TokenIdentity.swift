/// Who a request is from, as a token says that was checked: what policies ask of it.
public struct TokenIdentity: Hashable, Sendable {
  /// `iss/sub`; nil for a token without a subject.
  public var principal: String?
  public var audiences: [String]
  /// `azp`: for whom the token was issued.
  public var presenter: String?
  public var claims: [String: ClaimValue]

  public init(
    principal: String?, audiences: [String] = [], presenter: String? = nil, claims: [String: ClaimValue] = [:]
  ) {
    self.principal = principal
    self.audiences = audiences
    self.presenter = presenter
    self.claims = claims
  }
}

/// A claim, as far as policies can compare it: numbers, truth values and lists of other things than text are
/// left out.
public enum ClaimValue: Hashable, Sendable {
  case text(String)
  case list([String])
  indirect case object([String: ClaimValue])
}
