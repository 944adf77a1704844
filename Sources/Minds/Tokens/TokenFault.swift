/// Why a token is not believed.
public enum TokenFault: String, Error, Hashable, Sendable, CaseIterable {
  /// Not three parts of base64url, or what they hold is not what it should be.
  case malformed = "token-malformed"
  /// `alg` is none that is accepted; `none` never is.
  case algorithm = "token-algorithm"
  /// No rule accepts its issuer where it was found.
  case issuer = "token-issuer"
  case audience = "token-audience"
  case expired = "token-expired"
  case notYetValid = "token-not-yet-valid"
  /// No key of the issuer made its signature.
  case signature = "token-signature"
  /// Several tokens in one request: whose it is cannot be told.
  case several = "token-several"
  /// The issuer's keys are not at hand: not fetched yet, or unusable. The client is not at fault.
  case keys = "token-keys-unavailable"
  /// The workload names a RequestAuthentication that is not at hand: whom it believes is not known.
  case rules = "token-rules-unavailable"

  /// Of the answer.
  public var status: Int { self == .keys || self == .rules ? 503 : 401 }

  /// For the field `www-authenticate` of a 401 (RFC 6750 section 3); nil for another answer.
  public var challenge: String? {
    guard status == 401 else { return nil }
    return "Bearer error=\"invalid_token\", error_description=\"\(sentence)\""
  }

  private var sentence: String {
    switch self {
    case .malformed: "the token is malformed"
    case .algorithm: "the token's algorithm is not accepted"
    case .issuer: "the token's issuer is not accepted"
    case .audience: "the token is for another audience"
    case .expired: "the token is expired"
    case .notYetValid: "the token is not valid yet"
    case .signature: "the token's signature is not the issuer's"
    case .several: "there are several tokens"
    case .keys: "the issuer's keys are not available"
    case .rules: "the rules for tokens are not available"
    }
  }
}
