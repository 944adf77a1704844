import HTTPModel
import MeshModel
import TLSEngine
import Testing

@testable import Tokens

@Suite("Tokens that were believed are remembered")
struct MemoryTests {
  let vectors: Vectors

  init() throws { vectors = try Vectors.load() }

  private func head(_ token: String) -> RequestHead {
    RequestHead(
      method: "GET", authority: nil, path: "/", fields: [Field("authorization", "Bearer \(token)")])
  }

  /// Keys of nobody: whoever passes by them was remembered.
  private var strangers: TokenKeys {
    get throws { TokenKeys(["u": try KeySet(Array(vectors.stranger.utf8))]) }
  }

  @Test("its signature is checked once, for this check, by these rules, and its times always")
  func remembered() throws {
    let check = try vectors.check { $0.keys = .uri("u") }
    let keys = TokenKeys(["u": try KeySet(Array(vectors.keys.utf8))])
    var memory = TokenMemory()
    for token in vectors.fine {
      let first = try check.admission(
        of: head(token), keys: keys, now: vectors.now, remembering: &memory, as: 1)
      let again = try check.admission(
        of: head(token), keys: try strangers, now: vectors.now, remembering: &memory, as: 1)
      #expect(again.identity == first.identity && again.identity != nil)
      // Another check may have other issuers, and forgets nothing by itself.
      #expect(throws: TokenFault.signature) {
        try check.admission(
          of: head(token), keys: try strangers, now: vectors.now, remembering: &memory, as: 2)
      }
    }
    #expect(memory.count == Set(vectors.fine).count)
    var ended = 0
    for token in vectors.fine where try Token(token).expires != nil {
      ended += 1
      #expect(throws: TokenFault.expired) {
        try check.admission(
          of: head(token), keys: keys, now: vectors.now + 1_000_000_000, remembering: &memory, as: 1)
      }
    }
    #expect(ended > 0)
    memory.forget()
    #expect(throws: TokenFault.signature) {
      try check.admission(
        of: head(vectors.fine[0]), keys: try strangers, now: vectors.now, remembering: &memory, as: 1)
    }
    #expect(memory.count == 0)
  }

  @Test("what is bad is never remembered")
  func badIsNot() throws {
    let check = try vectors.check()
    var memory = TokenMemory()
    for token in vectors.bad.values.joined() {
      _ = try? check.admission(
        of: head(token), keys: .none, now: vectors.now, remembering: &memory, as: 1)
    }
    #expect(memory.count == 0)
  }

  @Test("a place that another issuer does not look at is no place for a token that is known")
  func places() throws {
    let check = try vectors.check { $0.locations = [.header(name: "x-token", prefix: "")] }
    var memory = TokenMemory()
    var request = head("x")
    request.fields = [Field("x-token", vectors.fine[0])]
    _ = try check.admission(of: request, keys: .none, now: vectors.now, remembering: &memory, as: 1)
    #expect(memory.count == 1)
    // Not looked for there.
    let elsewhere = try check.admission(
      of: head(vectors.fine[0]), keys: .none, now: vectors.now, remembering: &memory, as: 1)
    #expect(elsewhere.identity == nil)
  }

  @Test("a token that names a key which is not there says where keys may have come")
  func unknownKey() throws {
    let check = try vectors.check { $0.keys = .uri("u") }
    let one =
      Array("{\"keys\":[{\"kid\":\"other\",\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":".utf8)
      + Array("\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}".utf8)
    let keys = TokenKeys(["u": try KeySet(one)])
    var memory = TokenMemory()
    let found = try vectors.fine.first { try Token($0).keyID != nil }
    let named = try #require(found)
    #expect(throws: TokenFault.signature) {
      try check.admission(of: head(named), keys: keys, now: vectors.now, remembering: &memory, as: 1)
    }
    #expect(memory.unknownKeyAt == "u")
    memory.unknownKeyAt = nil
    // Inline keys do not change.
    let inline = try vectors.check { $0.keys = .inline(String(decoding: one, as: UTF8.self)) }
    #expect(throws: TokenFault.signature) {
      try inline.admission(of: head(named), keys: keys, now: vectors.now, remembering: &memory, as: 1)
    }
    #expect(memory.unknownKeyAt == nil)
  }

  @Test("there is an end to what is remembered")
  func bounded() throws {
    var memory = TokenMemory()
    let token = try Token(vectors.fine[0])
    for number in 0..<3 * TokenMemory.maximumCount {
      let key = try #require(TokenMemory.Key("\(number)", 1))
      memory.keep(.init(token: token, identity: token.identity, rule: 0), key, size: 100)
      #expect(memory.entry(key) != nil)
    }
    #expect(memory.count <= 2 * TokenMemory.maximumCount)
    // What is asked for again stays.
    let last = try #require(TokenMemory.Key("\(3 * TokenMemory.maximumCount - 1)", 1))
    #expect(memory.entry(last) != nil)
    var large = TokenMemory()
    for number in 0..<1_000 {
      let key = try #require(TokenMemory.Key("\(number)", 1))
      large.keep(
        .init(token: token, identity: token.identity, rule: 0), key, size: Token.maximumSize)
    }
    #expect(large.count <= 2 * TokenMemory.maximumBytes / Token.maximumSize)
  }
}
