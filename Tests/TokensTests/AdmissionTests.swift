import HTTPModel
import MeshModel
import Testing

@testable import Tokens

/// Where tokens are found, and what the application gets.
@Suite struct AdmissionTests {
  let vectors: Vectors
  let token: String
  let other: String

  init() throws {
    vectors = try Vectors.load()
    token = try #require(vectors.good["ES256"])
    other = try #require(vectors.good["ES384"])
  }

  /// The head as the application gets it; nil when the request passes without an identity.
  private func admitted(
    _ fields: [Field], path: String = "/", _ change: (inout TokenIssuer) -> Void = { _ in }
  ) throws(TokenFault) -> RequestHead? {
    var head = RequestHead(method: "GET", authority: "shop.test", path: path, fields: fields)
    guard let check = try? vectors.check(change) else { return nil }
    let identity = try check.admit(&head, keys: .none, now: vectors.now)
    if identity == nil { return nil }
    return head
  }

  @Test func theStandardPlacesAndTheirSpellings() throws {
    let kept = Field("x-a", "1")
    for scheme in ["Bearer ", "bearer ", "BEARER  "] {
      #expect(try admitted([Field("authorization", scheme + token), kept])?.fields == [kept])
    }
    #expect(try admitted([kept], path: "/a?x=1&access_token=\(token)&y")?.path == "/a?x=1&y")
    #expect(try admitted([kept], path: "/a?access%5Ftoken=\(token)")?.path == "/a")
    #expect(try admitted([Field("authorization", "Basic YTpi")]) == nil)
    #expect(try admitted([Field("authorization", "Bearerx " + token)]) == nil)
    #expect(try admitted([Field("x-token", token)], path: "/?token=\(token)") == nil)
  }

  /// Nothing that an application might take for a token passes as none.
  @Test func anEmptyOrBrokenTokenIsNotAMissingOne() {
    for value in ["Bearer", "Bearer ", "bearer x", "Bearer \(token), Bearer \(token)"] {
      #expect(throws: TokenFault.malformed) { _ = try admitted([Field("authorization", value)]) }
    }
    #expect(throws: TokenFault.malformed) { _ = try admitted([], path: "/?access_token=") }
    #expect(throws: TokenFault.malformed) { _ = try admitted([], path: "/?acce%73s_token") }
  }

  @Test func ownPlaces() throws {
    let header = TokenIssuer.Location.header(name: "x-jwt", prefix: "")
    #expect(try admitted([Field("x-jwt", token)]) { $0.locations = [header] }?.fields == [])
    let cookie = Field("cookie", "a=1; session=\(token); b=2")
    let head = try admitted([cookie]) { $0.locations = [.cookie("session")] }
    #expect(head?.fields == [Field("cookie", "a=1; b=2")])
    let query = try admitted([], path: "/?jwt=\(token)") { $0.locations = [.query("jwt")] }
    #expect(query?.path == "/")
    // Elsewhere nobody looks.
    #expect(
      try admitted([Field("authorization", "Bearer x")]) { $0.locations = [.query("jwt")] } == nil)
  }

  @Test func severalTokensAreRefused() throws {
    let field = Field("authorization", "Bearer " + token)
    #expect(throws: TokenFault.several) { _ = try admitted([field], path: "/?access_token=\(other)") }
    #expect(throws: TokenFault.several) {
      _ = try admitted([field, Field("authorization", "Bearer " + other)])
    }
    #expect(throws: TokenFault.several) { _ = try admitted([field, Field("authorization", "Bearer x")]) }
    // The same twice is one.
    #expect(try admitted([field, field], path: "/?access_token=\(token)")?.path == "/")
  }

  @Test func whatTheApplicationGets() throws {
    let forged = [Field("x-payload", "forged"), Field("x-role", "root"), Field("x-roles", "root")]
    func outputs(_ rule: inout TokenIssuer) {
      rule.forwardsToken = true
      rule.payloadHeader = "x-payload"
      rule.claimHeaders = [
        .init(header: "x-role", claim: "role"), .init(header: "x-level", claim: "level"),
        .init(header: "x-beta", claim: "beta"), .init(header: "x-roles", claim: "realm.access.roles"),
        .init(header: "x-none", claim: "realm.none"),
      ]
    }
    let field = Field("authorization", "Bearer " + token)
    let head = try admitted(forged + [field], outputs)
    let payload = String(token.split(separator: ".")[1])
    #expect(
      head?.fields == [
        field, Field("x-payload", payload), Field("x-role", "admin"), Field("x-level", "7"),
        Field("x-beta", "true"),
      ])
    // Without a token too, nobody else says what a token said.
    var bare = RequestHead(method: "GET", authority: nil, path: "/", fields: forged + [Field("x-a", "1")])
    #expect(try vectors.check(outputs).admit(&bare, keys: .none, now: vectors.now) == nil)
    #expect(bare.fields == [Field("x-a", "1")])
  }

  @Test func theIssuerMustBeAtHomeWhereTheTokenIs() throws {
    let foreign = TokenIssuer(
      issuer: "https://other.test", keys: .inline(vectors.stranger),
      locations: [.header(name: "x-other", prefix: "")])
    let own = TokenIssuer(issuer: vectors.issuer, keys: .inline(vectors.keys))
    let checks = TokenChecks([
      TokenAuthentication(origin: "a", namespace: "n", issuers: [own]),
      TokenAuthentication(origin: "b", namespace: "n", isSelective: true, issuers: [foreign]),
    ])
    let both = try checks.check(naming: ["b"])
    let check = try #require(both)
    var head = RequestHead(method: "GET", authority: nil, path: "/", fields: [Field("x-other", token)])
    #expect(throws: TokenFault.issuer) { try check.admission(of: head, keys: .none, now: vectors.now) }
    // At the other workload nobody looks there.
    let one = try checks.check(naming: [])
    let elsewhere = try #require(one)
    #expect(try elsewhere.admit(&head, keys: .none, now: vectors.now) == nil)
  }

  @Test func whoIsBoundAndWhatIsFetched() throws {
    let one = TokenIssuer(issuer: "a", keys: .uri("https://a.test/keys"), timeout: 100)
    let two = TokenIssuer(issuer: "b", keys: .uri("https://a.test/keys"), timeout: 300)
    let checks = TokenChecks([
      TokenAuthentication(origin: "a", namespace: "n", isSelective: true, issuers: [one, two])
    ])
    #expect(try checks.check(naming: []) == nil)
    #expect(try checks.check(naming: ["a"]) != nil)
    // A workload that came before what binds it.
    #expect(throws: TokenFault.rules) { try checks.check(naming: ["a", "c"]) }
    #expect(TokenFault.rules.status == 503)
    #expect(checks.uris.map(\.uri) == ["https://a.test/keys"] && checks.uris.map(\.timeout) == [300])
  }
}
