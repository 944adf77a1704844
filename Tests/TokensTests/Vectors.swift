import Foundation
import HTTPModel
import MeshModel
import Testing

@testable import Tokens

extension TokenCheck {
  /// Whose the request is; it becomes what the application gets.
  func admit(_ head: inout RequestHead, keys: TokenKeys, now: Int64) throws(TokenFault) -> TokenIdentity? {
    let admission = try admission(of: head, keys: keys, now: now)
    admission.apply(to: &head)
    return admission.identity
  }
}

/// What another implementation signed: see vectors.py.
struct Vectors: Decodable {
  let now: Int64
  let issuer: String
  let good: [String: String]
  let bad: [String: [String]]
  let fine: [String]
  /// Key sets, as their text.
  let keys: String
  let stranger: String

  private enum Name: String, CodingKey { case now, issuer, good, bad, fine, keys, stranger }

  init(from decoder: any Decoder) throws {
    let all = try decoder.container(keyedBy: Name.self)
    now = try all.decode(Int64.self, forKey: .now)
    issuer = try all.decode(String.self, forKey: .issuer)
    good = try all.decode([String: String].self, forKey: .good)
    bad = try all.decode([String: [String]].self, forKey: .bad)
    fine = try all.decode([String].self, forKey: .fine)
    func document(_ name: Name) throws -> String {
      let keys = try all.decode([String: [JSONWebKey]].self, forKey: name)
      return String(decoding: try JSONEncoder().encode(keys), as: UTF8.self)
    }
    keys = try document(.keys)
    stranger = try document(.stranger)
  }

  private struct JSONWebKey: Codable {
    let kty: String
    let kid: String
    let use, alg, crv, n, e, x, y, k: String?
    let key_ops: [String]?
  }

  static func load() throws -> Vectors {
    let file = try #require(Bundle.module.url(forResource: "vectors", withExtension: "json"))
    return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file))
  }

  /// Accepts the issuer's tokens for `shop` and `bank`.
  func check(_ change: (inout TokenIssuer) -> Void = { _ in }) throws -> TokenCheck {
    var rule = TokenIssuer(issuer: issuer, audiences: ["bank", "vault"], keys: .inline(keys))
    change(&rule)
    let authentication = TokenAuthentication(
      origin: "RequestAuthentication production/users", namespace: "production", issuers: [rule])
    let check = try TokenChecks([authentication]).check(naming: [])
    return try #require(check)
  }

  /// Why a request with the token is refused; nil when it is believed.
  func fault(
    of token: String, _ check: TokenCheck, keys: TokenKeys = .none, now: Int64? = nil
  ) -> TokenFault? {
    var head = RequestHead(method: "GET", authority: "shop.test", path: "/")
    head.fields = [Field("authorization", "Bearer " + token)]
    do throws(TokenFault) {
      return try check.admit(&head, keys: keys, now: now ?? self.now) == nil ? .malformed : nil
    } catch {
      return error
    }
  }
}
