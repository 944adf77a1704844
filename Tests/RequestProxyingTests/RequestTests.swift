import Bytes
import HTTPExchange
import HTTPModel
import MeshIndex
import MeshModel
import TestSupport
import Testing

@testable import RequestProxying

@Suite("Requests through a waypoint")
struct RequestTests {
  let applications = Applications()

  func world(
    _ configuration: WaypointConfiguration, _ mesh: MeshSnapshot = Shop.mesh(), seed: UInt64? = nil
  ) throws -> World {
    let world = try World(configuration, mesh, seed: seed)
    world.application = { [applications] in applications.open($0) }
    return world
  }

  @Test(
    "a request and its answer pass, and the application learns who asks",
    arguments: [HTTPVersion.http1, .http2])
  func passes(version: HTTPVersion) throws {
    let world = try world(Shop.configuration(speaks: version == .http1 ? .http1 : nil))
    world.application = { [applications] in applications.open($0, version) }
    applications.answers = { _, server, id in
      server.answer(id, 201, Array("made".utf8), trailers: [Field("x-end", "1")])
    }
    let client = HTTPClient(version)
    let link = try #require(world.connect(client))
    let id = try client.ask("POST", "/v1/payments?a=1", [Field("x-apus-source", "me")], Array("body".utf8))
    world.settle()
    #expect(client.answers[id]?.head.status == 201)
    #expect(client.bodies[id] == Array("made".utf8))
    #expect(client.ends[id] == [Field("x-end", "1")])
    let (_, server) = try #require(applications.servers.first { !$0.server.order.isEmpty })
    let request = try #require(server.requests[server.order[0]])
    #expect(request.head.path == "/v1/payments?a=1")
    #expect(server.bodies[server.order[0]] == Array("body".utf8))
    #expect(request.head.fields.first("x-forwarded-for") == "10.244.1.9")
    #expect(request.head.fields.first("x-apus-source") == nil)
    #expect(request.head.fields.first("x-request-id") != nil)
    #expect(request.head.fields.first("traceparent") != nil)
    let dial = try #require(world.dialed.last)
    #expect(dial.origin.identity?.serviceAccount == "order-service-sa")
    let record = try #require(world.records.first)
    #expect(record.status == 201 && record.bytesReceived == 4 && record.bytesSent == 4)
    #expect(record.attempts == 1 && record.destination?.party.workload.hasPrefix("pay-") == true)
    // Everything that was received has been given back to the client's window.
    #expect(link.credited == link.received)
  }

  @Test(
    "what answers bring is given back to the connection's window, to the last byte",
    arguments: [HTTPVersion.http1, .http2])
  func window(version: HTTPVersion) throws {
    let world = try world(
      Shop.configuration(speaks: version == .http1 ? .http1 : .http2), Shop.mesh(endpoints: 1))
    world.application = { [applications] in applications.open($0, version) }
    applications.answers = { _, server, id in server.answer(id, 200, [UInt8](repeating: 1, count: 50_000)) }
    let client = HTTPClient(version)
    _ = try #require(world.connect(client))
    for _ in 0..<10 {
      let id = try client.ask("GET", "/")
      world.settle()
      #expect(client.bodies[id]?.count == 50_000)
    }
    let links = world.links.filter { $0.far is HTTPServer }
    #expect(links.count == 1 && world.dialed.count == 1)
    for link in links { #expect(link.received > 500_000 && link.credited == link.received) }
  }

  @Test("connections to endpoints are used again, and not by another client")
  func reuse() throws {
    let world = try world(Shop.configuration(), Shop.mesh(endpoints: 1))
    for account in ["a", "b"] {
      let client = HTTPClient(.http1)
      _ = try #require(world.connect(client, from: account))
      for _ in 0..<5 {
        _ = try client.ask()
        world.settle()
      }
    }
    #expect(applications.total == 10)
    #expect(world.dialed.count == 2)
  }

  @Test("an address that is not this waypoint's is refused")
  func strange() throws {
    let world = try world(Shop.configuration())
    #expect(world.connect(HTTPClient(.http1), to: "10.96.0.9:80") == nil)
    #expect(world.connect(HTTPClient(.http1), to: "10.96.0.1:81") == nil)
    #expect(world.connect(HTTPClient(.http1), to: "10.244.2.1:8080") != nil)
  }

  @Test("policy is asked of the client behind the tunnel, for the workload that is chosen")
  func policy() throws {
    var match = Authorization.Match()
    match.principals = [.exact("cluster.local/ns/production/sa/order-service-sa")]
    let only = Authorization(
      name: "only-orders", namespace: "production", scope: .namespace, action: .allow,
      rules: [.init(clauses: [.init(matches: [match])])])
    let world = try world(Shop.configuration(), Shop.mesh(policies: [only]))
    for (account, status) in [("order-service-sa", 200), ("web", 403), (nil, 403)] {
      let client = HTTPClient(.http1)
      _ = world.connect(client, from: account)
      let id = try client.ask()
      world.settle()
      #expect(client.answers[id]?.head.status == status)
      if status == 403 {
        #expect(client.answers[id]?.head.fields.first("x-apus-reason") == "no-policy-allows")
        #expect(world.records.last?.refusal == .noPolicyAllows)
      }
    }
    #expect(applications.total == 1)
  }

  @Test("95 to 5, and a header that leads to v2 alone")
  func split() throws {
    let canary = RouteRule(
      origin: "http[0]", matches: [RequestMatch(headers: [FieldMatch("x-canary-test", .exact("true"))])],
      action: .forward(Forward(backends: [Backend(service: Shop.pay, subset: "v2")])))
    let weighted = Shop.forward([
      Backend(service: Shop.pay, subset: "v1", weight: 95),
      Backend(service: Shop.pay, subset: "v2", weight: 5),
    ])
    var shares: [Int] = []
    var world = try world(Shop.configuration())
    // The same seed twice, then another: chance is the seed's alone, whatever else is drawn meanwhile.
    for seed: UInt64 in [1, 1, 3] {
      world = try self.world(
        Shop.configuration(rules: [canary, weighted], subsets: ["v1", "v2"]), Shop.mesh(endpoints: 2),
        seed: seed)
      applications.reset()
      let client = HTTPClient(.http1)
      _ = world.connect(client)
      for _ in 0..<2000 {
        _ = try client.ask()
        world.settle()
      }
      #expect(applications.total == 2000)
      shares.append(applications.counts["pay-2"] ?? 0)
    }
    #expect(shares.allSatisfy { (80...120).contains($0) }, "\(shares)")
    #expect(shares[0] == shares[1] && shares[0] != shares[2], "\(shares)")
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    applications.reset()
    for _ in 0..<50 {
      _ = try client.ask("GET", "/", [Field("x-canary-test", "true")])
      world.settle()
    }
    #expect(applications.counts == ["pay-2": 50])
  }

  @Test("an endpoint that fails is covered by the others, within the attempts")
  func retries() throws {
    let retry = RetryRule(attempts: 3, perTryTimeout: 1000, conditions: [.gatewayError])
    let world = try world(Shop.configuration(rules: [Shop.forward(timeout: 3000, retry: retry)]))
    applications.answers = { name, server, id in server.answer(id, name == "pay-1" ? 503 : 200) }
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    for _ in 0..<60 {
      let id = try client.ask("POST", "/", [], Array("body".utf8))
      world.settle()
      world.pass(milliseconds: 100)
      #expect(client.answers[id]?.head.status == 200)
    }
    #expect((applications.counts["pay-1"] ?? 0) > 5)
    let (_, server) = try #require(applications.servers.first { $0.name != "pay-1" })
    #expect(server.order.allSatisfy { server.bodies[$0] == Array("body".utf8) })
  }

  @Test("a request that nobody answers in time is given up with 504")
  func timeout() throws {
    let world = try world(
      Shop.configuration(rules: [Shop.forward(timeout: 300, retry: RetryRule(attempts: 0, conditions: []))]))
    applications.answers = { _, _, _ in }
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    let id = try client.ask()
    world.settle()
    world.pass(milliseconds: 290)
    #expect(client.answers[id] == nil)
    world.pass(milliseconds: 20)
    #expect(client.answers[id]?.head.status == 504)
    #expect(world.records.last?.flags.contains(.upstreamRequestTimeout) == true)
    // The endpoint is not left with a request that nobody waits for.
    world.settle()
    #expect(applications.servers.allSatisfy { $0.server.aborted == $0.server.order })
  }

  @Test("the hundred and first request that waits for a connection is answered at once with 503")
  func breaker() throws {
    let world = try world(Shop.configuration { $0.pool.maxPendingRequests = 100 })
    world.holdsDials = true
    var clients: [HTTPClient] = []
    var ids: [ExchangeID] = []
    for _ in 0..<101 {
      let client = HTTPClient(.http1)
      _ = world.connect(client)
      ids.append(try client.ask())
      clients.append(client)
      world.settle()
    }
    let answered = zip(clients, ids).filter { $0.answers[$1] != nil }
    #expect(answered.count == 1)
    #expect(clients[100].answers[ids[100]]?.head.status == 503)
    #expect(world.records.last?.flags.contains(.upstreamOverflow) == true)
    world.releaseDials()
    world.settle()
    #expect(zip(clients, ids).filter { $0.answers[$1]?.head.status == 200 }.count == 100)
  }

  @Test("when all fail, at most half are ejected, and the one that recovers is found")
  func correlatedFailure() throws {
    let world = try world(
      Shop.configuration(rules: [Shop.forward(retry: RetryRule(attempts: 0, conditions: []))]) {
        var outliers = OutlierDetection()
        outliers.interval = 1000
        outliers.baseEjectionTime = 5000
        outliers.maxEjectionPercent = 50
        $0.outliers = outliers
      }, Shop.mesh(endpoints: 4))
    applications.answers = { _, server, id in server.answer(id, 500) }
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    func ask() throws -> Int? {
      let id = try client.ask()
      world.settle()
      return client.answers[id]?.head.status
    }
    for _ in 0..<200 {
      _ = try ask()
      world.pass(milliseconds: 20)
    }
    applications.reset()
    for _ in 0..<100 { _ = try ask() }
    #expect(applications.counts.count >= 2, "half at least are still used")
    applications.answers = { name, server, id in server.answer(id, name == "pay-3" ? 200 : 500) }
    world.pass(milliseconds: 6000)
    var good = 0
    for _ in 0..<300 {
      if try ask() == 200 { good += 1 }
      world.pass(milliseconds: 50)
    }
    #expect(good > 60)
  }

  @Test("a service that fails wholly gets at most 1.2 times its load")
  func storm() throws {
    let retry = RetryRule(attempts: 3, conditions: [.serverError], backoff: 1)
    let world = try world(Shop.configuration(rules: [Shop.forward(retry: retry)]))
    applications.answers = { _, server, id in server.answer(id, 503) }
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    for _ in 0..<2000 {
      let id = try client.ask()
      world.settle()
      world.pass(milliseconds: 10)
      while client.ends[id] == nil { world.pass(milliseconds: 10) }
    }
    // Besides, the least that is always allowed: three a second, over the window of ten seconds.
    #expect(Double(applications.total) <= 2000 * 1.2 + 30)
  }

  @Test("a mirror gets a copy, and what comes of it never reaches the client")
  func mirrors() throws {
    let world = try world(
      Shop.configuration(rules: [Shop.forward(mirrors: [Mirror(backend: Backend(service: Shop.shadow))])]))
    applications.answers = { name, server, id in
      server.answer(id, name == "shadow-1" ? 500 : 200, Array(name.utf8))
    }
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    let id = try client.ask("POST", "/", [], Array("body".utf8))
    world.settle()
    #expect(client.answers[id]?.head.status == 200)
    #expect(client.bodies[id].map { String(decoding: $0, as: UTF8.self).hasPrefix("pay-") } == true)
    #expect(applications.counts["shadow-1"] == 1)
    let (_, shadow) = try #require(applications.servers.first { $0.name == "shadow-1" })
    #expect(shadow.bodies[shadow.order[0]] == Array("body".utf8))
    #expect(world.records.map(\.kind).sorted { $0.rawValue < $1.rawValue } == [.mirror, .request])
    let copy = try #require(world.records.first { $0.kind == .mirror })
    #expect(copy.status == 500 && copy.service == Shop.shadow && copy.bytesReceived == 4)
    #expect(copy.requestID == world.records.first { $0.kind == .request }?.requestID)
  }

  @Test("redirects and answers of rules are made here")
  func ownAnswers() throws {
    var redirect = RouteRule(
      origin: "http[0]", matches: [RequestMatch(path: PathMatch(.exact("/old")))],
      action: .redirect(Redirect(path: .whole("/new"))))
    redirect.headers.response.set = [.init("x-by", "rule")]
    let direct = RouteRule(
      origin: "http[1]", matches: [RequestMatch(path: PathMatch(.exact("/hello")))],
      action: .respond(DirectResponse(status: 200, body: Array("hello".utf8))))
    let world = try world(Shop.configuration(rules: [redirect, direct]))
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    for (path, status) in [("/old", 301), ("/hello", 200), ("/nothing", 404)] {
      let id = try client.ask("GET", path)
      world.settle()
      #expect(client.answers[id]?.head.status == status)
      if path == "/old" { #expect(client.answers[id]?.head.fields.first("location") == "http://server/new") }
      if path == "/hello" { #expect(client.bodies[id] == Array("hello".utf8)) }
    }
    #expect(world.dialed.isEmpty)
  }

  @Test("a client that leaves takes its request with it")
  func clientLeaves() throws {
    let world = try world(Shop.configuration())
    applications.answers = { _, _, _ in }
    let client = HTTPClient(.http1)
    let link = try #require(world.connect(client))
    _ = try client.ask()
    world.settle()
    link.breakOff()
    world.settle()
    #expect(world.records.last?.flags.contains(.downstreamConnectionTermination) == true)
    #expect(applications.servers.contains { !$0.server.aborted.isEmpty })
    #expect(world.proxy.load == 0)
  }

  @Test("an answer that is cut is not passed on as whole")
  func cut() throws {
    let world = try world(Shop.configuration())
    applications.answers = { _, server, id in
      try? server.connection.respond(id, ResponseHead(status: 200), body: .exactly(100))
      server.connection.send(id, [1, 2, 3].span)
    }
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    let id = try client.ask()
    world.settle()
    world.links.last?.breakOff()
    world.settle()
    #expect(client.ends[id] == nil)
    #expect(client.failures[id] != nil)
    #expect(world.records.last?.flags.contains(.upstreamConnectionTermination) == true)
  }

  @Test("a refused connection is tried elsewhere before a byte was delivered")
  func refusedConnection() throws {
    let world = try world(Shop.configuration())
    world.application = { [applications] endpoint in
      endpoint.workload.name == "pay-1" ? nil : applications.open(endpoint)
    }
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    for _ in 0..<30 {
      let id = try client.ask("POST", "/", [], Array("once".utf8))
      world.settle()
      world.pass(milliseconds: 300)
      #expect(client.answers[id]?.head.status == 200)
    }
    #expect(applications.total == 30)
  }

  @Test("an endpoint that does not take the connection in time counts as one that cannot be reached")
  func silentEndpoint() throws {
    let world = try world(
      Shop.configuration(rules: [Shop.forward(retry: RetryRule(attempts: 0, conditions: []))]) {
        $0.pool.connectTimeout = 200
      })
    world.holdsDials = true
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    let id = try client.ask()
    world.settle()
    world.pass(milliseconds: 190)
    #expect(client.answers[id] == nil)
    world.pass(milliseconds: 20)
    #expect(client.answers[id]?.head.status == 503)
    #expect(world.records.last?.flags.contains(.upstreamConnectionFailure) == true)
  }

  @Test("rules that change reach open connections, and leave requests under way alone")
  func changingRules() throws {
    let world = try world(Shop.configuration(), Shop.mesh(endpoints: 1))
    var held: [(HTTPServer, ExchangeID)] = []
    applications.answers = { _, server, id in held.append((server, id)) }
    let (client, other) = (HTTPClient(.http1), HTTPClient(.http1))
    _ = world.connect(client)
    _ = world.connect(other)
    let id = try client.ask()
    world.settle()
    #expect(held.count == 1)
    let teapot = RouteRule(origin: "http[0]", action: .respond(DirectResponse(status: 418)))
    world.proxy.adopt(try WaypointTables(Shop.configuration(rules: [teapot])))
    held[0].0.answer(held[0].1, 200, Array("late".utf8))
    world.settle()
    #expect(client.bodies[id] == Array("late".utf8))
    for one in [client, other] {
      let next = try one.ask()
      world.settle()
      #expect(one.answers[next]?.head.status == 418)
    }
    // The connection of the former rules is not kept for nobody.
    #expect(world.links.count == 2)
  }

  @Test("a WebSocket passes in both directions")
  func webSocket() throws {
    let world = try world(Shop.configuration())
    applications.answers = { _, server, id in
      try? server.connection.respond(
        id, ResponseHead(status: 101), body: .streamed, upgrade: server.requests[id]?.upgrade)
    }
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    let head = RequestHead(method: "GET", authority: "server", path: "/chat")
    let id = try client.connection.request(head, body: .none, upgrade: "websocket")
    client.connection.end(id)
    world.settle()
    #expect(client.answers[id]?.isTunnel == true)
    client.connection.send(id, Array("ping".utf8).span)
    let (_, server) = try #require(applications.servers.first)
    server.connection.send(server.order[0], Array("pong".utf8).span)
    world.settle()
    #expect(server.bodies[server.order[0]] == Array("ping".utf8))
    #expect(client.bodies[id] == Array("pong".utf8))
  }
}

@Suite("What is found out of a connection")
struct SniffTests {
  @Test("a server that speaks first is heard at once, and what is no HTTP is passed on")
  func serverFirst() throws {
    let world = try World(Shop.configuration(speaks: nil), Shop.mesh(endpoints: 1))
    let server = Raw("220 ready\r\n")
    world.application = { _ in server }
    let client = Raw()
    _ = try #require(world.connect(client))
    world.settle()
    #expect(String(decoding: client.seen, as: UTF8.self) == "220 ready\r\n")
    client.outgoing = Array("EHLO me\r\n".utf8)
    world.settle()
    #expect(String(decoding: server.seen, as: UTF8.self) == "EHLO me\r\n")
    client.isClosing = true
    server.isClosing = true
    world.settle()
    #expect(world.proxy.load == 0)
  }

  @Test(
    "the first bytes decide",
    arguments: [
      ("", "undecided"), ("G", "undecided"), ("GET / HT", "undecided"), ("GET / HTTP/1.1\r\n", "http1"),
      ("OPTIONS * HTTP/1.0\n", "http1"), ("PRI", "undecided"), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"),
      ("PRINT / HTTP/1.1\r\n", "http1"), ("\u{16}\u{3}\u{1}", "other"), ("EHLO me\r\n", "other"),
      ("\r\n", "undecided"), (" GET / HT", "undecided"), ("GE T / X\r\n", "other"),
      // Refused by the parser of requests; an application might read them.
      ("GET / HTTP/3.0\r\n", "http1"), (" GET / HTTP/1.1\r\n", "http1"), ("\r\nGET / HTTP/1.1\r\n", "http1"),
      ("GET\t/\tHTTP/1.1\n", "http1"), ("GET / HTTP/1.1 \r\n", "http1"), ("GET / HTTP/01.1\n", "http1"),
      ("GET /" + String(repeating: "a", count: 9_000), "http1"),
    ])
  func decide(text: String, wanted: String) {
    let found =
      switch Sniff.of(Array(text.utf8)) {
      case .undecided: "undecided"
      case .http(.http1): "http1"
      case .http(.http2): "http2"
      case .other: "other"
      }
    #expect(found == wanted)
  }

  @Test("a client that speaks HTTP on a port that declares nothing is read as HTTP, whole")
  func clientFirst() throws {
    let applications = Applications()
    let world = try World(Shop.configuration(speaks: nil), Shop.mesh(endpoints: 1))
    world.application = { applications.open($0) }
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    let id = try client.ask("POST", "/", [], Array("body".utf8))
    world.settle()
    #expect(client.answers[id]?.head.status == 200)
    #expect(applications.total == 1)
  }
}
