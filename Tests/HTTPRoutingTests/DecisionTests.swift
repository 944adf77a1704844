import HTTPModel
import HTTPRouting
import MeshModel
import Testing

@Suite struct DecisionTests {
  static func canary(_ weights: (String, UInt32)...) -> RouteRule {
    let backends = weights.map { Backend(service: orders, subset: $0.0, weight: $0.1) }
    return RouteRule(origin: "canary", action: .forward(Forward(backends: backends)))
  }

  /// Counts by subset over requests that differ in nothing but chance.
  static func counts(_ rule: RouteRule, _ requests: Int, seed: UInt64 = 20_240) throws -> [String: Int] {
    let routes = try table([rule])
    var random = Seeded(seed)
    var counts: [String: Int] = [:]
    let asked = try request()
    for _ in 0..<requests {
      counts[routes.decide(asked, using: &random).forwarding?.subset ?? "none", default: 0] += 1
    }
    return counts
  }

  @Test func twoThousandRequestsOfACanaryAreSplitTheSameEveryTime() throws {
    let counts = try Self.counts(Self.canary(("v1", 95), ("v2", 5)), 2_000)
    #expect(counts == ["v1": 1_892, "v2": 108])
  }

  /// Whatever the seed, the share of the canary is within four standard deviations.
  @Test func sharesAreThoseOfTheWeights() throws {
    for seed in 1...20 as ClosedRange<UInt64> {
      let counts = try Self.counts(Self.canary(("a", 1), ("b", 2), ("c", 7)), 3_000, seed: seed)
      for (subset, share) in [("a", 0.1), ("b", 0.2), ("c", 0.7)] {
        let deviation = (3_000 * share * (1 - share)).squareRoot()
        #expect(abs(Double(counts[subset] ?? 0) - 3_000 * share) < 4 * deviation, "\(subset), seed \(seed)")
      }
    }
  }

  @Test func aWeightOfNothingGetsNothing() throws {
    #expect(try Self.counts(Self.canary(("v1", 0), ("v2", 5), ("v3", 0)), 100) == ["v2": 100])
  }

  @Test func aHeaderGoesPastTheSplit() throws {
    let test = RouteRule(
      origin: "test", matches: [RequestMatch(headers: [FieldMatch("x-canary-test", .exact("true"))])],
      action: toOrders(subset: "v2"))
    let routes = try table([test, Self.canary(("v1", 95), ("v2", 5))])
    var random = Seeded(1)
    let asked = try request([Field("x-canary-test", "true")])
    for _ in 0..<200 {
      let decision = routes.decide(asked, using: &random)
      #expect(decision.origin == "test" && decision.forwarding?.subset == "v2")
    }
  }

  @Test func withoutRulesTheServiceItselfIsMeant() throws {
    let decision = try RouteTable(ServiceTraffic(service: orders, fallsThrough: false)).decide(
      request(port: 8080))
    #expect(decision.origin == "")
    #expect(decision.forwarding?.service == orders && decision.forwarding?.port == 8080)
    #expect(decision.forwarding?.retry == .standard && decision.forwarding?.timeout == nil)
  }

  @Test func withoutAMatch() throws {
    let rule = RouteRule(
      origin: "rule", matches: [RequestMatch(path: PathMatch(.exact("/a")))], action: toOrders())
    let refused = try table([rule]).decide(request("/b"))
    #expect(refused.answer?.head.status == 404 && refused.answer?.reason == .noRoute && refused.origin == "")
    #expect(try table([rule], fallsThrough: true).decide(request("/b")).forwarding?.service == orders)
  }

  @Test(arguments: [503, 500]) func withoutABackend(_ status: Int) throws {
    for backends in [[], [Backend(service: nil)], [Backend(service: orders, weight: 0)]] {
      let rule = RouteRule(
        origin: "rule", action: .forward(Forward(backends: backends, noBackendStatus: status)))
      let decision = try table([rule]).decide(request())
      #expect(decision.answer?.head.status == status && decision.answer?.reason == .noBackend)
      #expect(decision.origin == "rule")
    }
  }

  @Test func aMissingBackendFailsItsShareOnly() throws {
    let backends = [Backend(service: orders, subset: "v1", weight: 1), Backend(service: nil, weight: 1)]
    let rule = RouteRule(origin: "rule", action: .forward(Forward(backends: backends)))
    let counts = try Self.counts(rule, 1_000)
    #expect((430...570).contains(counts["none"] ?? 0) && counts.values.reduce(0, +) == 1_000)
  }

  @Test func timeoutAndRetriesGoAlong() throws {
    var rule = RouteRule(
      origin: "rule", action: .forward(Forward(backends: [Backend(service: audit, port: 9_000)])))
    rule.timeout = 3_000
    rule.retry = RetryRule(attempts: 3, perTryTimeout: 1_000, conditions: [.serverError])
    let forwarding = try table([rule]).decide(request()).forwarding
    #expect(forwarding?.timeout == 3_000 && forwarding?.retry == rule.retry)
    #expect(forwarding?.service == audit && forwarding?.port == 9_000)
  }

  @Test func faults() throws {
    var rule = RouteRule(origin: "rule", action: toOrders())
    rule.fault = Fault(
      delay: Fault.Delay(milliseconds: 250, share: .all), abort: Fault.Abort(status: .http(418), share: .none)
    )
    let delayed = try table([rule]).decide(request())
    #expect(delayed.delay == 250 && delayed.forwarding != nil)

    rule.fault = Fault(abort: Fault.Abort(status: .grpc(14), share: .all))
    let aborted = try table([rule]).decide(request())
    #expect(
      aborted.delay == nil && aborted.answer?.reason == .faultAbort && aborted.answer?.head.status == 200)
    #expect(aborted.answer?.head.fields.first("grpc-status") == "14")

    rule.fault = Fault(
      delay: Fault.Delay(milliseconds: 1, share: Share(millionths: 500_000)),
      abort: Fault.Abort(status: .http(503), share: Share(millionths: 100_000)))
    let routes = try table([rule])
    var random = Seeded(9)
    let asked = try request()
    let decisions = (0..<2_000).map { _ in routes.decide(asked, using: &random) }
    #expect((911...1_089).contains(decisions.count { $0.delay == 1 }))
    #expect((147...253).contains(decisions.count { $0.answer?.head.status == 503 }))
    #expect((68...132).contains(decisions.count { $0.delay == 1 && $0.answer != nil }))
  }

  @Test func mirrorsGetTheRequestThatIsForwarded() throws {
    var rule = RouteRule(origin: "rule", action: toOrders(rewrite: Rewrite(path: .whole("/new"))))
    var extra = HeaderChanges()
    extra.request.add = [.init("x-shadow", "1")]
    rule.mirrors = [
      Mirror(backend: Backend(service: audit, port: 81, subset: "v2", headers: extra)),
      Mirror(backend: Backend(service: audit), share: .none), Mirror(backend: Backend(service: nil)),
    ]
    let forwarding = try #require(
      try table([rule]).decide(request("/old?q", authority: "orders:80")).forwarding)
    #expect(forwarding.mirrors.count == 1)
    let mirror = try #require(forwarding.mirrors.first)
    #expect(mirror.service == audit && mirror.port == 81 && mirror.subset == "v2")
    #expect(mirror.head.path == "/new?q" && mirror.head.authority == "orders-shadow:80")
    #expect(mirror.head.fields == [Field("x-shadow", "1")] && forwarding.head.fields.isEmpty)
    #expect(forwarding.head.authority == "orders:80")
  }

  @Test func aDirectResponse() throws {
    var rule = RouteRule(
      origin: "rule", action: .respond(DirectResponse(status: 418, body: Array("tea".utf8))))
    rule.headers.response.set = [.init("x-by", "mesh")]
    let answer = try #require(try table([rule]).decide(request()).answer)
    #expect(answer.reason == .directResponse && answer.head.status == 418 && answer.body == Array("tea".utf8))
    #expect(answer.head.fields == [Field("content-type", "text/plain"), Field("x-by", "mesh")])
  }

  @Test(arguments: [
    ("orders", "orders-shadow"), ("10.0.0.1:80", "10.0.0.1:80"), ("[fd00::1]:80", "[fd00::1]:80"),
  ])
  func mirrorsOfAddressesKeepThem(_ authority: String, _ shadow: String) throws {
    var rule = RouteRule(origin: "rule", action: toOrders())
    rule.mirrors = [Mirror(backend: Backend(service: audit))]
    let forwarding = try table([rule]).decide(request(authority: authority)).forwarding
    #expect(forwarding?.mirrors.first?.head.authority == shadow)
  }

  @Test func anAnswerToGRPCIsOneThatItsClientReads() throws {
    for (type, status, code) in [
      ("application/grpc", 404, "12"), ("application/grpc+proto", 503, "14"),
      ("application/grpc;x=y", 403, "7"),
      ("application/grpc", 418, "2"), ("application/grpc", 200, "0"),
    ] {
      let rule = RouteRule(
        origin: "rule", action: .respond(DirectResponse(status: status, body: Array("100% é".utf8))))
      let answer = try table([rule]).decide(request([Field("content-type", type)])).answer
      #expect(
        answer?.head
          == ResponseHead(
            status: 200,
            fields: [
              Field("content-type", "application/grpc"), Field("grpc-status", code),
              Field("grpc-message", "100%25 %C3%A9"),
            ]))
      #expect(answer?.body == [] && answer?.reason == .directResponse)
    }
    for type in ["application/grpc-web", "application/json", "text/application/grpc"] {
      let refused = try table(RequestMatch(method: .exact("PUT"))).decide(
        request([Field("content-type", type)]))
      #expect(refused.answer?.head == ResponseHead(status: 404))
    }
  }
}
