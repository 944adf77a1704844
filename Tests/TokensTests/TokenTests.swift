import HTTPModel
import MeshModel
import TLSEngine
import Testing

@testable import Tokens

@Suite struct TokenTests {
  let vectors: Vectors
  static let zeros = String(repeating: "A", count: 43)
  static let ones = String(repeating: "_", count: 342)

  init() throws { vectors = try Vectors.load() }

  @Test func everyAlgorithmOfAnotherImplementationIsVerified() throws {
    let check = try vectors.check()
    #expect(Set(vectors.good.keys) == Set(SignatureKey.Algorithm.allCases.map(\.rawValue)))
    for (algorithm, token) in vectors.good { #expect(vectors.fault(of: token, check) == nil, "\(algorithm)") }
    for token in vectors.fine { #expect(vectors.fault(of: token, check) == nil, "\(token)") }
  }

  /// Other algorithms, key confusion, foreign keys, broken forms, times and audiences: each for its reason.
  @Test func badTokensAreRefusedByName() throws {
    let check = try vectors.check()
    #expect(vectors.bad.count == 7)
    for (reason, tokens) in vectors.bad {
      for (index, token) in tokens.enumerated() {
        #expect(vectors.fault(of: token, check)?.rawValue == reason, "\(reason) \(index)")
      }
    }
  }

  @Test(arguments: SignatureKey.Algorithm.allCases)
  func noByteOfATokenMayBeAnother(algorithm: SignatureKey.Algorithm) throws {
    let check = try vectors.check()
    let token = Array(try #require(vectors.good[algorithm.rawValue]).utf8)
    var accepted: [String] = []
    func attempt(_ bytes: [UInt8]) {
      let text = String(decoding: bytes, as: UTF8.self)
      if vectors.fault(of: text, check) == nil { accepted.append(text) }
    }
    for index in token.indices {
      for other in [token[index] ^ 1, UInt8(ascii: "A"), UInt8(ascii: ".")] where other != token[index] {
        var bytes = token
        bytes[index] = other
        attempt(bytes)
      }
      attempt(Array(token[..<index] + token[(index + 1)...]))
    }
    #expect(accepted.isEmpty)
  }

  @Test func timesHaveTheLeewayAndNoMore() throws {
    let check = try vectors.check()
    let token = try #require(vectors.good["ES256"])
    let (end, start, leeway) = (vectors.now + 3600, vectors.now - 60, Int64(TokenCheck.leeway))
    #expect(vectors.fault(of: token, check, now: end + leeway - 1) == nil)
    #expect(vectors.fault(of: token, check, now: end + leeway) == .expired)
    #expect(vectors.fault(of: token, check, now: start - leeway) == nil)
    #expect(vectors.fault(of: token, check, now: start - leeway - 1) == .notYetValid)
  }

  @Test func withoutKeysNothingIsBelieved() throws {
    let token = try #require(vectors.good["RS256"])
    let uri = "https://issuer.test/keys"
    let check = try vectors.check { $0.keys = .uri(uri) }
    #expect(vectors.fault(of: token, check) == .keys)
    #expect(TokenFault.keys.status == 503 && TokenFault.keys.challenge == nil)
    let own = try KeySet(Array(vectors.keys.utf8))
    let strangers = try KeySet(Array(vectors.stranger.utf8))
    #expect(vectors.fault(of: token, check, keys: TokenKeys([uri: own])) == nil)
    #expect(vectors.fault(of: token, check, keys: TokenKeys([uri: strangers])) == .signature)
    #expect(vectors.fault(of: token, check, keys: TokenKeys([uri + "/": own])) == .keys)
    #expect(vectors.fault(of: token, try vectors.check { $0.keys = .inline("{}") }) == .keys)
    // What is wrong with the token itself is said first.
    #expect(vectors.fault(of: "x", check) == .malformed)
  }

  @Test func theIdentityIsWhatPoliciesAsk() throws {
    var head = RequestHead(method: "GET", authority: nil, path: "/")
    head.fields = [Field("authorization", "Bearer " + (vectors.good["EdDSA"] ?? ""))]
    let identity = try #require(try vectors.check().admit(&head, keys: .none, now: vectors.now))
    #expect(identity.principal == "https://issuer.test/alice")
    #expect(identity.audiences == ["shop", "bank"] && identity.presenter == "app-7")
    #expect(
      identity.claims["scope"] == .list(["read", "write"]) && identity.claims["role"] == .text("admin"))
    #expect(identity.claims["realm"] == .object(["access": .object(["roles": .list(["payer", "clerk"])])]))
    #expect(identity.claims["level"] == nil)
  }

  @Test func everyFaultHasItsAnswer() {
    for fault in TokenFault.allCases where fault != .keys && fault != .rules {
      #expect(fault.status == 401)
      #expect(fault.challenge?.hasPrefix("Bearer error=\"invalid_token\", error_description=\"") == true)
    }
  }

  @Test(arguments: [
    "{}", "[]", "", "{\"keys\":[]}", "{\"keys\":{}}", "{\"keys\":[1]}",
    // Too short, even, 1, and not on the curve.
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\(Self.ones)\",\"e\":\"BA\"}]}",
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\(Self.ones)\",\"e\":\"AQ\"}]}",
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\(Self.zeros)\","
      + "\"y\":\"\(Self.zeros)\"}]}",
    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}]}",
    "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
  ])
  func whatHoldsNoKeyIsNoKeySet(document: String) {
    #expect(throws: KeySet.Unusable.self) { try KeySet(Array(document.utf8)) }
  }

  @Test func keySetsAreBounded() throws {
    let set = try KeySet(Array(vectors.keys.utf8))
    #expect(set.count == 4)
    let long = vectors.keys + String(repeating: " ", count: KeySet.maximumSize)
    #expect(throws: KeySet.Unusable.self) { try KeySet(Array(long.utf8)) }
    let keys = Array(repeating: "{}", count: KeySet.maximumKeys + 1).joined(separator: ",")
    let many = "{\"keys\":[\(keys)]}"
    #expect(throws: KeySet.Unusable.self) { try KeySet(Array(many.utf8)) }
  }
}
