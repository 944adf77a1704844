import HTTPModel
import MeshModel
import TLSEngine

/// A signed token (RFC 7519 in the compact form of RFC 7515), taken apart and not yet believed.
struct Token {
  let algorithm: SignatureKey.Algorithm
  /// `kid`: which key of the issuer signed.
  let keyID: String?
  let claims: [String: JSONValue]
  let issuer: String
  let audiences: [String]
  /// Seconds since 1970; nil without an end.
  let expires: Double?
  let begins: Double?
  /// As it came: base64url.
  let payload: String
  private let signed: [UInt8]
  private let signature: [UInt8]

  /// Longer than a head's limit allows in practice, in bytes.
  static let maximumSize = 16 * 1024

  init(_ text: String) throws(TokenFault) {
    guard text.utf8.count <= Self.maximumSize else { throw .malformed }
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 3, let head = Base64URL.decode(parts[0]), let body = Base64URL.decode(parts[1]),
      let signature = Base64URL.decode(parts[2]), let header = JSONValue(head)?.members,
      let claims = JSONValue(body)?.members
    else { throw .malformed }
    // Nothing that must be understood is: RFC 7515 section 4.1.11.
    guard header["crit"] == nil, header["enc"] == nil, header["zip"] == nil else { throw .malformed }
    guard let algorithm = header["alg"]?.text.flatMap(SignatureKey.Algorithm.init(rawValue:)) else {
      throw .algorithm
    }
    if let id = header["kid"], id.text == nil { throw .malformed }
    guard let issuer = claims["iss"]?.text else { throw .issuer }
    self.algorithm = algorithm
    self.claims = claims
    self.issuer = issuer
    self.signature = signature
    keyID = header["kid"]?.text
    audiences = try Self.audiences(claims["aud"])
    expires = try Self.time(claims["exp"])
    begins = try Self.time(claims["nbf"])
    payload = String(decoding: Array(parts[1]), as: UTF8.self)
    signed = Array(text.utf8.dropLast(parts[2].count + 1))
  }

  private static func audiences(_ claim: JSONValue?) throws(TokenFault) -> [String] {
    switch claim {
    case nil: return []
    case .string(let one): return [one]
    case .array(let all):
      let texts = all.compactMap(\.text)
      guard texts.count == all.count else { throw .malformed }
      return texts
    default: throw .malformed
    }
  }

  private static func time(_ claim: JSONValue?) throws(TokenFault) -> Double? {
    guard let claim else { return nil }
    guard let time = claim.double else { throw .malformed }
    return time
  }

  /// Of what it was read from, in bytes, give or take.
  var size: Int { signed.count + signature.count * 4 / 3 + 1 }

  func isSigned(by key: SignatureKey) -> Bool { key.verifies(signature, of: signed, by: algorithm) }

  // MARK: Claims

  /// Claims whose text is a list of words (RFC 8693 section 4.2).
  private static let lists: Set<String> = ["scope", "permission"]

  /// What policies may ask.
  var identity: TokenIdentity {
    TokenIdentity(
      principal: claims["sub"]?.text.flatMap { $0.isEmpty ? nil : "\(issuer)/\($0)" }, audiences: audiences,
      presenter: claims["azp"]?.text,
      claims: claims.reduce(into: [:]) { found, claim in
        if Self.lists.contains(claim.key), let text = claim.value.text {
          found[claim.key] = .list(text.split(separator: " ").map(String.init))
        } else {
          found[claim.key] = ClaimValue(claim.value)
        }
      })
  }

  /// A claim by names with dots between them, as the text of a field; nil for lists, objects, and what no
  /// field may hold.
  func text(ofClaim path: String) -> String? {
    var members = claims
    var names = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    // An outermost claim may have dots in its name.
    if members[path] != nil { names = [path] }
    for name in names.dropLast() {
      guard let inner = members[name]?.members else { return nil }
      members = inner
    }
    let text: String
    switch names.last.flatMap({ members[$0] }) {
    case .string(let value): text = value
    case .number(let value): text = value
    case .bool(let value): text = value ? "true" : "false"
    default: return nil
    }
    guard text.utf8.allSatisfy(HTTPGrammar.isValue), text.utf8.first.map(Self.isSpace) != true,
      text.utf8.last.map(Self.isSpace) != true
    else { return nil }
    return text
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}

extension ClaimValue {
  fileprivate init?(_ value: JSONValue) {
    switch value {
    case .string(let text): self = .text(text)
    case .array(let all): self = .list(all.compactMap(\.text))
    case .object(let members): self = .object(members.compactMapValues(ClaimValue.init))
    case .null, .bool, .number: return nil
    }
  }
}
