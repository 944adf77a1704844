import HTTPModel
import MeshModel
import Testing

@testable import Resilience

@Suite struct AffinityKeyTests {
  private func read(
    _ key: LoadBalancing.HashKey, _ fields: [Field] = [], path: String = "/", source: UInt32 = 1,
    seed: UInt64 = 1
  ) -> AffinityKey.Reading {
    var random = Seeded(seed)
    return AffinityKey.read(key, fields: fields, path: path, source: IPAddress(v4: source), using: &random)
  }

  @Test func headers() {
    let one = read(.header("X-User"), [Field("x-user", "ann")])
    #expect(one.hash != nil && one.cookie == nil)
    #expect(one == read(.header("x-user"), [Field("a", "b"), Field("x-user", "ann")]))
    #expect(one != read(.header("x-user"), [Field("x-user", "bob")]))
    let both = [Field("x-user", "ann"), Field("x-user", "bob")]
    #expect(read(.header("x-user"), both) != read(.header("x-user"), [Field("x-user", "annbob")]))
    #expect(read(.header("x-user"), [Field("x-users", "ann")]).hash == nil)
  }

  @Test func sources() {
    #expect(read(.sourceAddress).hash == read(.sourceAddress).hash)
    #expect(read(.sourceAddress).hash != read(.sourceAddress, source: 2).hash)
  }

  @Test(
    arguments: [
      ("/a?user=ann", "ann"), ("/a?x=1&user=ann&user=bob", "ann"), ("/a?user=", ""), ("/a?user", ""),
      ("/a?user=a=b", "a=b"), ("/a?users=ann", nil), ("/a", nil), ("/a?", nil), ("/user=ann", nil),
      ("/a?x=1#user=ann", nil), ("?&&user=ann", "ann"), ("", nil),
    ] as [(String, String?)]) func parameters(_ path: String, _ expected: String?)
  {
    #expect(AffinityKey.parameter("user", of: path).map(String.init) == expected)
    #expect((read(.query("user"), path: path).hash != nil) == (expected != nil))
  }

  @Test(
    arguments: [
      ("id=7", "7"), ("a=b; id=7; c=d", "7"), (" id=7 ", "7"), ("id=\"7\"", "7"), ("ID=7", nil), ("id", nil),
      ("id=", nil), ("id=\"\"", nil), ("id=a=b", "a=b"), ("xid=7", nil), ("id=; id=8", "8"), (";;=;", nil),
      ("a=b;\u{301}id=7; id=8", "8"), ("id =7", "7"), ("id=\t7\t", "7"), ("id=\"", "\""),
    ] as [(String, String?)]) func cookies(_ value: String, _ expected: String?)
  {
    #expect(AffinityKey.cookie("id", of: [Field("cookie", value)]).map(String.init) == expected)
  }

  @Test func cookiesMayComeInSeveralFields() {
    let key = LoadBalancing.HashKey.cookie(name: "id", path: "/", lifetime: 60)
    let reading = read(key, [Field("cookie", "a=b"), Field("cookie", "id=7")])
    #expect(reading == read(key, [Field("cookie", "id=7")]) && reading.cookie == nil)
  }

  @Test func cookiesAreMadeWhenTheyHaveALifetime() throws {
    let made = read(.cookie(name: "id", path: "/shop", lifetime: 60))
    let cookie = try #require(made.cookie)
    let value = cookie.dropFirst(3).prefix(32)
    #expect(cookie == "id=\(value); Max-Age=60; Path=/shop; HttpOnly")
    #expect(value.allSatisfy { $0.isHexDigit })
    // It leads back to the same endpoint.
    let again = read(.cookie(name: "id", path: "/shop", lifetime: 60), [Field("cookie", "id=\(value)")])
    #expect(again.hash == made.hash && again.cookie == nil)
    #expect(read(.cookie(name: "id", path: "", lifetime: 0), seed: 5).cookie?.hasSuffix("; HttpOnly") == true)
    #expect(read(.cookie(name: "id", path: "", lifetime: 0)).cookie?.contains("Max-Age") == false)
    #expect(read(.cookie(name: "id", path: "", lifetime: nil)) == AffinityKey.Reading())
    #expect(read(.cookie(name: "id", path: "", lifetime: 0), seed: 5).hash != made.hash)
  }

  /// Computed by another program, and written down: they must be the same in every release, or a rollout
  /// moves every client.
  @Test func hashesNeverChange() {
    #expect(StableHash.of("") == HashesOfRecord.empty)
    #expect(StableHash.of("apus") == HashesOfRecord.apus)
    #expect(endpoint(1).digest == HashesOfRecord.endpoint)
  }
}

private enum HashesOfRecord {
  static let empty: UInt64 = 0x1bbd_5c81_3c69_a8d7
  static let apus: UInt64 = 0x6753_5603_23bf_8daf
  static let endpoint: UInt64 = 0x7557_895c_293d_8f52
}
