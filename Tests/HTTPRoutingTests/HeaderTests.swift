import HTTPModel
import HTTPRouting
import MeshModel
import Testing

@Suite struct HeaderTests {
  static func changes(
    remove: [String] = [], set: [HeaderChanges.Header] = [], add: [HeaderChanges.Header] = []
  )
    -> HeaderChanges.Changes
  {
    var changes = HeaderChanges.Changes()
    changes.remove = remove
    changes.set = set
    changes.add = add
    return changes
  }

  static func routes(backend: HeaderChanges = HeaderChanges(), rule: HeaderChanges, cors: CORSRule? = nil)
    throws -> RouteTable
  {
    let backends = [Backend(service: orders, headers: backend)]
    return try table([
      RouteRule(origin: "r", action: .forward(Forward(backends: backends)), cors: cors, headers: rule)
    ])
  }

  @Test func removesThenSetsThenAdds() throws {
    var rule = HeaderChanges()
    rule.request = Self.changes(
      remove: ["a", "b"], set: [.init("c", "3"), .init("a", "1")], add: [.init("c", "4"), .init("d", "5")])
    let sent = [Field("a", "x"), Field("b", "x"), Field("c", "x"), Field("c", "y"), Field("e", "e")]
    let head = try Self.routes(rule: rule).decide(request(sent)).forwarding?.head
    #expect(
      head?.fields == [Field("e", "e"), Field("c", "3"), Field("a", "1"), Field("c", "4"), Field("d", "5")])
  }

  @Test func theRulesWordIsLastAfterTheBackends() throws {
    var (backend, rule) = (HeaderChanges(), HeaderChanges())
    backend.request = Self.changes(set: [.init("a", "backend"), .init("b", "backend")])
    rule.request = Self.changes(set: [.init("a", "rule")])
    backend.response = Self.changes(set: [.init("a", "backend")], add: [.init("b", "1")])
    rule.response = Self.changes(remove: ["server"], set: [.init("a", "rule")])
    let forwarding = try #require(try Self.routes(backend: backend, rule: rule).decide(request()).forwarding)
    #expect(forwarding.head.fields == [Field("b", "backend"), Field("a", "rule")])
    var response = ResponseHead(status: 200, fields: [Field("server", "x"), Field("a", "application")])
    forwarding.response.apply(to: &response)
    #expect(response.fields == [Field("b", "1"), Field("a", "rule")])
  }

  @Test func hostIsTheAuthority() throws {
    for name in ["host", ":authority"] {
      var rule = HeaderChanges()
      rule.request = Self.changes(remove: [name], set: [.init(name, "other:81"), .init(":path", "/x")])
      let head = try Self.routes(rule: rule).decide(request("/a")).forwarding?.head
      #expect(head == RequestHead(method: "GET", authority: "other:81", path: "/a"))
    }
  }

  @Test func whatFramesAMessageIsNotTheirs() throws {
    var rule = HeaderChanges()
    rule.request = Self.changes(
      remove: ["content-length"], set: [.init("transfer-encoding", "chunked"), .init("connection", "close")])
    let sent = [Field("content-length", "3")]
    #expect(try Self.routes(rule: rule).decide(request(sent)).forwarding?.head.fields == sent)
    #expect(HeaderChanges.isReserved("te") && !HeaderChanges.isReserved("server"))
  }

  // MARK: Scripts of other origins

  static let rule = CORSRule(
    allowOrigins: [.exact("https://a.test"), .expression("https://[a-z]+\\.b\\.test")],
    allowMethods: ["GET", "PUT"],
    allowHeaders: ["x-one"], exposeHeaders: ["x-two", "x-three"], maxAge: 60, allowCredentials: true)

  static func cors(
    _ rule: CORSRule = rule, method: String = "OPTIONS", origin: String?, asks: String? = "PUT"
  ) throws -> Decision {
    var fields: [Field] = []
    if let origin { fields.append(Field("origin", origin)) }
    if let asks { fields.append(Field("access-control-request-method", asks)) }
    return try routes(rule: HeaderChanges(), cors: rule).decide(request(method: method, fields))
  }

  @Test(arguments: ["https://a.test", "https://x.b.test"]) func aPreflightIsAnswered(_ origin: String) throws
  {
    let answer = try #require(try Self.cors(origin: origin).answer)
    #expect(answer.reason == .preflight && answer.head.status == 200 && answer.body.isEmpty)
    #expect(
      answer.head.fields == [
        Field("access-control-allow-origin", origin), Field("vary", "origin"),
        Field("access-control-allow-credentials", "true"), Field("access-control-allow-methods", "GET,PUT"),
        Field("access-control-allow-headers", "x-one"), Field("access-control-max-age", "60"),
      ])
  }

  @Test func whatIsNoPreflightGoesOn() throws {
    for (method, origin, asks) in [
      ("OPTIONS", nil, "PUT"), ("OPTIONS", "https://a.test", nil), ("PUT", "https://a.test", "PUT"),
      ("OPTIONS", "https://evil.test", "PUT"), ("OPTIONS", "https://x.b.test.evil", "PUT"),
    ] as [(String, String?, String?)] {
      #expect(
        try Self.cors(method: method, origin: origin, asks: asks).forwarding != nil,
        "\(method) \(origin ?? "")")
    }
  }

  @Test func anUnmatchedPreflightMayBeAnsweredWithoutLeave() throws {
    var rule = Self.rule
    rule.forwardsUnmatchedPreflights = false
    #expect(try Self.cors(rule, origin: "https://evil.test").answer?.head == ResponseHead(status: 200))
    #expect(try Self.cors(rule, method: "GET", origin: "https://evil.test").forwarding != nil)
  }

  @Test func theResponseSaysWhatTheRuleSays() throws {
    let forwarding = try #require(try Self.cors(method: "GET", origin: "https://a.test").forwarding)
    var response = ResponseHead(
      status: 200, fields: [Field("access-control-allow-origin", "*"), Field("vary", "accept")])
    forwarding.response.apply(to: &response)
    #expect(
      response.fields == [
        Field("vary", "accept"), Field("access-control-allow-origin", "https://a.test"),
        Field("vary", "origin"),
        Field("access-control-allow-credentials", "true"),
        Field("access-control-expose-headers", "x-two,x-three"),
      ])
    let other = try #require(try Self.cors(method: "GET", origin: "https://evil.test").forwarding)
    var untouched = ResponseHead(status: 200, fields: [Field("access-control-allow-origin", "*")])
    other.response.apply(to: &untouched)
    #expect(untouched.fields == [Field("access-control-allow-origin", "*")])
  }

  @Test func aStarAllowsEveryOrigin() throws {
    let answer = try Self.cors(CORSRule(allowOrigins: [.exact("*")]), origin: "null").answer
    #expect(answer?.head.fields.first("access-control-allow-origin") == "null")
  }
}
