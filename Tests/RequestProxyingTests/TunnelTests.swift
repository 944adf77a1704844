import Bytes
import HTTPExchange
import HTTPModel
import MeshIndex
import MeshModel
import TestSupport
import Testing

@testable import RequestProxying

@Suite("WebSockets and CONNECT through a waypoint")
struct TunnelTests {
  let applications = Applications()

  func world(
    _ version: HTTPVersion, _ configuration: WaypointConfiguration? = nil,
    _ policies: [Authorization] = []
  ) throws -> World {
    let speaks: ApplicationProtocol = version == .http1 ? .http1 : .http2
    let world = try World(
      configuration ?? Shop.configuration(speaks: speaks),
      Shop.mesh(endpoints: 1, policies: policies))
    world.application = { [applications] in applications.open($0, version) }
    return world
  }

  /// A client that has said hello.
  func client(_ version: HTTPVersion, _ world: World) -> HTTPClient {
    let client = HTTPClient(version)
    _ = world.connect(client)
    world.settle()
    return client
  }

  func ask(
    _ client: HTTPClient, _ method: String = "GET", upgrade: String? = "websocket", fields: [Field] = [],
    authority: String = "server"
  ) throws -> ExchangeID {
    let path = method == "CONNECT" ? "" : "/chat"
    let head = RequestHead(method: method, authority: authority, path: path, fields: fields)
    let id = try client.connection.request(head, body: .none, upgrade: upgrade)
    client.connection.end(id)
    return id
  }

  /// From RFC 6455 section 1.3.
  static let key = Field("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
  static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

  static func welcome(_ server: HTTPServer, _ id: ExchangeID, _ version: HTTPVersion) {
    var head = ResponseHead(status: 101)
    if version == .http1, var fields = server.requests[id]?.head.fields {
      let handshake = WebSocketHandshake.answer(fields.first("sec-websocket-key") ?? "")
      fields = [Field("sec-websocket-accept", handshake ?? "")]
      head.fields = fields
    }
    try? server.connection.respond(id, head, body: .none, upgrade: "websocket")
  }

  @Test(
    "a WebSocket passes between either HTTP and either",
    arguments: [HTTPVersion.http1, .http2], [HTTPVersion.http1, .http2])
  func webSocket(from: HTTPVersion, to: HTTPVersion) throws {
    let world = try world(to)
    applications.answers = { _, server, id in
      if server.answeredTunnels.insert(id).inserted { Self.welcome(server, id, to) }
    }
    let client = client(from, world)
    let id = try ask(client, fields: from == .http1 ? [Self.key] : [])
    world.settle()
    #expect(client.answers[id]?.head.status == 101 && client.answers[id]?.isTunnel == true)
    let accepted = client.answers[id]?.head.fields.first("sec-websocket-accept")
    #expect(accepted == (from == .http1 ? Self.accept : nil))
    let server = try #require(applications.servers.first?.server)
    let asked = try #require(server.order.first)
    #expect(server.requests[asked]?.upgrade == "websocket" && server.requests[asked]?.head.method == "GET")
    #expect((server.requests[asked]?.head.fields.first("sec-websocket-key") == nil) == (to == .http2))
    client.connection.send(id, Array("ping".utf8).span)
    server.connection.send(asked, Array("pong".utf8).span)
    world.settle()
    #expect(server.bodies[asked] == Array("ping".utf8) && client.bodies[id] == Array("pong".utf8))
    // The client ends its side and still hears the rest.
    server.ends = [:]
    client.connection.end(id)
    if from == .http1 { client.isOver = true }
    world.settle()
    #expect(server.ends[asked] == [])
    server.connection.send(asked, Array("bye".utf8).span)
    server.connection.end(asked)
    world.settle()
    #expect(client.bodies[id] == Array("pongbye".utf8) && client.failures.isEmpty)
    #expect(world.records.map(\.status) == [101] && world.records[0].bytesReceived == 4)
  }

  @Test(
    "a WebSocket that the application ends is over for the client", arguments: [HTTPVersion.http1, .http2])
  func endedByApplication(version: HTTPVersion) throws {
    let world = try world(.http1)
    applications.answers = { _, server, id in
      guard server.answeredTunnels.insert(id).inserted else { return }
      Self.welcome(server, id, .http1)
      server.connection.send(id, [9].span)
      server.connection.end(id)
    }
    let client = client(version, world)
    let id = try ask(client)
    world.settle()
    #expect(client.bodies[id] == [9] && client.ends[id] == [])
  }

  @Test("what a client sends before the answer is not lost")
  func early() throws {
    let world = try world(.http1)
    applications.answers = { _, _, _ in }
    let client = client(.http2, world)
    let id = try ask(client, "CONNECT", upgrade: nil, authority: "a:1")
    client.connection.send(id, [1, 2].span)
    world.settle()
    let (server, asked) = try #require(applications.servers.first.map { ($0.server, $0.server.order[0]) })
    #expect(server.bodies[asked] == nil)
    try server.connection.respond(asked, ResponseHead(status: 200), body: .none, upgrade: "")
    world.settle()
    client.connection.send(id, [3].span)
    world.settle()
    #expect(server.bodies[asked] == [1, 2, 3])
  }

  @Test("an application over HTTP/2 that takes no WebSocket is not asked, and the client told why")
  func notTaken() throws {
    let world = try world(.http2)
    // SETTINGS without a word of it.
    let application = Raw()
    application.outgoing = [0, 0, 0, 4, 0, 0, 0, 0, 0]
    world.application = { _ in application }
    let client = client(.http1, world)
    let id = try ask(client)
    world.settle()
    #expect(client.answers[id]?.head.status == 502)
    #expect(client.bodies[id].map { String(decoding: $0, as: UTF8.self).contains("RFC 8441") } == true)
  }

  @Test("an application that never says what it takes is given up in time")
  func noSettings() throws {
    let world = try world(.http2, Shop.configuration(speaks: .http2) { $0.pool.connectTimeout = 200 })
    world.application = { _ in Raw() }
    let client = client(.http1, world)
    let id = try ask(client)
    world.settle()
    #expect(client.answers[id] == nil)
    world.pass(milliseconds: 5_000)
    #expect(client.answers[id]?.head.status == 503)
    #expect(world.records.last?.flags.contains(.upstreamConnectionFailure) == true)
  }

  @Test(
    "h2c and others are not offered to the application", arguments: ["h2c", "TLS/1.0", "foo", "HTTP/2.0"])
  func otherUpgrades(name: String) throws {
    let world = try world(.http1)
    let (h1, h2) = (client(.http1, world), client(.http2, world))
    let id = try ask(h1, upgrade: name, fields: [Field("http2-settings", "AAMAAABkAAQAAP__")])
    world.settle()
    #expect(h1.answers[id]?.head.status == 200)
    let request = try #require(applications.servers.first.flatMap { $0.server.requests[$0.server.order[0]] })
    #expect(request.upgrade == nil && request.head.fields.first("http2-settings") == nil)
    guard HTTPGrammar.isToken(name) else { return }
    let other = try ask(h2, upgrade: name)
    world.settle()
    #expect(h2.answers[other]?.head.status == 501 && applications.total == 1)
  }

  @Test("a success that is no change of protocol opens nothing")
  func success() throws {
    let world = try world(.http1)
    let client = client(.http2, world)
    let id = try ask(client)
    world.settle()
    #expect(client.answers[id]?.head.status == 502 && client.answers[id]?.isTunnel == false)
  }

  @Test("an application that answers the wrong key has not meant it")
  func wrongKey() throws {
    let world = try world(.http1)
    applications.answers = { _, server, id in
      let head = ResponseHead(status: 101, fields: [Field("sec-websocket-accept", Self.accept)])
      try? server.connection.respond(id, head, body: .none, upgrade: "websocket")
    }
    let client = client(.http2, world)
    let id = try ask(client)
    world.settle()
    #expect(client.answers[id]?.head.status == 502)
  }

  @Test(
    "a CONNECT leads to an endpoint of the service, whatever it names",
    arguments: [HTTPVersion.http1, .http2])
  func connect(version: HTTPVersion) throws {
    let world = try world(.http1)
    applications.answers = { _, server, id in
      guard server.answeredTunnels.insert(id).inserted else { return }
      try? server.connection.respond(id, ResponseHead(status: 200), body: .none, upgrade: "")
    }
    let client = client(version, world)
    let id = try ask(client, "CONNECT", upgrade: nil, authority: "169.254.169.254:80")
    world.settle()
    #expect(world.dialed.map { "\($0.endpoint.address)" } == ["10.244.2.1:8080"])
    #expect(client.answers[id]?.isTunnel == true)
    client.connection.send(id, [1].span)
    world.settle()
    let server = applications.servers[0].server
    #expect(server.bodies[server.order[0]] == [1])
    #expect(server.requests[server.order[0]]?.head.authority == "169.254.169.254:80")
  }

  @Test("what answers CONNECT as any request gets nothing that could be read as a request")
  func smuggled() throws {
    let world = try world(.http1)
    // A handler that does not look at the method, and reads on.
    let application = Raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    world.application = { _ in application }
    let client = Raw("CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\nGET /secret HTTP/1.1\r\nhost : a\r\n\r\n")
    _ = world.connect(client)
    world.settle()
    #expect(!String(decoding: application.seen, as: UTF8.self).contains("/secret"))
    #expect(String(decoding: client.seen, as: UTF8.self).hasPrefix("HTTP/1.1 502 "))
  }

  @Test("a DENY that asks for paths, and an ALLOW that does, take a CONNECT the stricter way")
  func judged() throws {
    var path = Authorization.Match()
    path.terms = [.init(.path, [.text(.prefix("/secret"))])]
    for action in [Authorization.Action.deny, .allow] {
      let policy = Authorization(
        name: "paths", namespace: "production", scope: .namespace, action: action,
        rules: [.init(clauses: [.init(matches: [path])])])
      let world = try world(.http1, nil, [policy])
      let client = client(.http1, world)
      let id = try ask(client, "CONNECT", upgrade: nil, authority: "a:80")
      world.settle()
      #expect(client.answers[id]?.head.status == 403, "\(action)")
    }
  }

  @Test("rules that answer with success open no tunnel")
  func ruleAnswers() throws {
    let rule = RouteRule(origin: "http[0]", action: .respond(DirectResponse(status: 200)))
    let world = try world(.http1, Shop.configuration(rules: [rule]))
    for version in [HTTPVersion.http1, .http2] {
      let client = client(version, world)
      let id = try ask(client, "CONNECT", upgrade: nil, authority: "a:80")
      world.settle()
      #expect(client.answers[id]?.head.status == 501)
    }
  }

  @Test("the time for a request ends with the answer that opens a tunnel")
  func timeout() throws {
    let world = try world(.http1, Shop.configuration(rules: [Shop.forward(timeout: 300)]))
    applications.answers = { _, server, id in
      if server.answeredTunnels.insert(id).inserted { Self.welcome(server, id, .http1) }
    }
    let client = client(.http1, world)
    let id = try ask(client, fields: [Self.key])
    world.settle()
    world.pass(milliseconds: 1_000)
    client.connection.send(id, [1].span)
    world.settle()
    let server = applications.servers[0].server
    #expect(server.bodies[server.order[0]] == [1] && world.records.isEmpty)
  }

  @Test("rules may ask for an upgrade")
  func routed() throws {
    let rule = RouteRule(
      origin: "http[0]", matches: [RequestMatch(headers: [FieldMatch("upgrade", .exact("websocket"))])],
      action: .respond(DirectResponse(status: 418)))
    let world = try world(.http1, Shop.configuration(rules: [rule]))
    for version in [HTTPVersion.http1, .http2] {
      let client = client(version, world)
      let id = try ask(client)
      world.settle()
      #expect(client.answers[id]?.head.status == 418)
    }
  }
}
