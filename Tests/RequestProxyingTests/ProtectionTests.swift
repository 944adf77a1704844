import Bytes
import HTTPExchange
import HTTPModel
import MeshModel
import TestSupport
import Testing

@testable import RequestProxying

@Suite("Clients that keep a waypoint waiting, and what they may make it hold")
struct ProtectionTests {
  let applications = Applications()

  private func world(
    _ speaks: ApplicationProtocol? = .http1, limits: HTTPLimits = HTTPLimits(),
    _ change: (inout RequestLimits) -> Void = { _ in }
  ) throws -> World {
    var configuration = Shop.configuration(speaks: speaks)
    configuration.limits.headTimeout = 2_000
    configuration.limits.stallTimeout = 3_000
    configuration.limits.idleTimeout = 20_000
    change(&configuration.limits)
    let world = try World(configuration, Shop.mesh(endpoints: 1), limits: limits)
    var large = HTTPLimits()
    large.maximumHead = 1 << 20
    world.application = { [applications] in applications.open($0, limits: large) }
    return world
  }

  private func ended(_ world: World) -> [ConnectionEnd: UInt64] {
    world.proxy.figures.counters.connectionsEnded
  }

  private func endedRequests(_ world: World) -> [ConnectionEnd: UInt64] {
    world.proxy.figures.counters.requestsEnded
  }

  private func text(_ raw: Raw) -> String { String(decoding: raw.seen, as: UTF8.self) }

  // MARK: Heads

  @Test("a head that trickles is answered 408, and its connection ends")
  func slowHead() throws {
    let world = try world()
    let client = Raw("GET / HT")
    let link = try #require(world.connect(client))
    for _ in 0..<4 {
      #expect(client.seen.isEmpty)
      client.outgoing += Array("x".utf8)
      world.pass(milliseconds: 500)
    }
    world.pass(milliseconds: 20)
    #expect(text(client).hasPrefix("HTTP/1.1 408 ") && text(client).contains("within 2 s"))
    // It never closes: that is not waited for either.
    world.pass(milliseconds: 5_100)
    #expect(link.isGone && world.proxy.load == 0 && ended(world) == [.slowHead: 1])
    let record = try #require(world.records.first)
    #expect(world.records.count == 1 && record.kind == .unread && record.status == 408)
  }

  @Test("a connection on which nothing comes ends without an answer", arguments: [HTTPVersion.http1, .http2])
  func silent(version: HTTPVersion) throws {
    let world = try world(version == .http1 ? .http1 : .http2)
    let client = Raw()
    let link = try #require(world.connect(client))
    world.pass(milliseconds: 1_900)
    #expect(!client.isOver)
    world.pass(milliseconds: 5_300)
    #expect(link.isGone && ended(world) == [.slowHead: 1])
    #expect(!text(client).hasPrefix("HTTP/1.1"))
  }

  @Test("time runs from a head's own first byte, not from the last request")
  func secondHead() throws {
    let world = try world()
    let whole = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"
    let client = Raw(whole)
    let link = try #require(world.connect(client))
    world.pass(milliseconds: 10_000)
    #expect(ended(world).isEmpty)
    // The end of a head and the beginning of another, again and again: nobody is slow.
    client.outgoing += Array(whole.dropLast(3).utf8)
    for _ in 0..<5 {
      world.pass(milliseconds: 1_500)
      client.outgoing += Array((whole.suffix(3) + whole.dropLast(3)).utf8)
    }
    world.settle()
    #expect(applications.total == 6 && ended(world).isEmpty && !link.isGone)
    world.pass(milliseconds: 2_100)
    #expect(ended(world) == [.slowHead: 1] && text(client).contains(" 408 "))
  }

  private static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt8 = 0, _ payload: [UInt8] = [])
    -> [UInt8]
  {
    [0, 0, UInt8(payload.count), type, flags, 0, 0, 0, stream] + payload
  }

  @Test("HTTP/2: SETTINGS that never come and a block of fields that is never whole end the connection")
  func slowBlocks() throws {
    let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    let cut = Self.frame(1, stream: 1, [0x82])
    for bytes in [Array(preface.prefix(10)), preface, preface + Self.frame(4) + cut] {
      let world = try world(.http2)
      let client = Raw()
      client.outgoing = bytes
      let link = try #require(world.connect(client))
      for _ in 0..<4 {
        world.pass(milliseconds: 500)
        // CONTINUATION without END_HEADERS.
        if bytes.last == 0x82 { client.outgoing += Self.frame(9, stream: 1, [0x86]) }
      }
      #expect(!link.isGone)
      world.pass(milliseconds: 5_100)
      #expect(link.isGone && ended(world) == [.slowHead: 1] && world.records.count == 1)
    }
  }

  @Test("on a port that declares nothing: what might become a request ends, and nobody sees it")
  func undecided() throws {
    let world = try world(nil)
    let server = Raw()
    world.application = { _ in server }
    let client = Raw("GET / HT")
    let link = try #require(world.connect(client))
    world.pass(milliseconds: 2_100)
    #expect(link.isGone && ended(world) == [.slowHead: 1] && server.seen.isEmpty)
    #expect(world.connections.count == 1 && world.proxy.load == 0)
    // A client that waits for its server is none of these.
    let patient = try #require(world.connect(Raw()))
    world.pass(milliseconds: 30_000)
    #expect(!patient.isGone)
  }

  // MARK: Between requests

  @Test("a connection without a request ends in good order", arguments: [HTTPVersion.http1, .http2])
  func idle(version: HTTPVersion) throws {
    let world = try world(version == .http1 ? .http1 : .http2)
    if version == .http2 { world.application = { [applications] in applications.open($0, .http2) } }
    let client = HTTPClient(version)
    let link = try #require(world.connect(client))
    let id = try client.ask()
    world.settle()
    #expect(client.answers[id]?.head.status == 200)
    world.pass(milliseconds: 19_900)
    #expect(ended(world).isEmpty)
    world.pass(milliseconds: 5_300)
    #expect(link.isGone && ended(world) == [.idle: 1] && world.records.count == 1)
    #expect(client.failures.isEmpty && !client.connection.takesRequests)
  }

  // MARK: Bodies

  @Test("a body that stops coming is answered 408", arguments: [HTTPVersion.http1, .http2])
  func slowBody(version: HTTPVersion) throws {
    let world = try world(version == .http1 ? .http1 : .http2)
    if version == .http2 { world.application = { [applications] in applications.open($0, .http2) } }
    let client = HTTPClient(version)
    let link = try #require(world.connect(client))
    let head = RequestHead(method: "POST", scheme: "http", authority: "server", path: "/")
    let id = try client.connection.request(head, body: .exactly(10))
    for _ in 0..<3 {
      client.connection.send(id, [1].span)
      world.pass(milliseconds: 2_000)
    }
    #expect(client.answers.isEmpty)
    world.pass(milliseconds: 1_100)
    #expect(client.answers[id]?.head.status == 408 && endedRequests(world) == [.slowBody: 1])
    let record = try #require(world.records.first)
    #expect(record.status == 408 && record.flags.contains(.streamIdleTimeout) && record.bytesReceived == 3)
    #expect(record.details.contains("3 s") && world.proxy.figures.requests == 0)
    guard version == .http1 else {
      let next = try client.ask()
      world.settle()
      return #expect(client.answers[next]?.head.status == 200 && ended(world).isEmpty)
    }
    world.pass(milliseconds: 5_100)
    #expect(link.isGone && ended(world) == [.slowBody: 1])
  }

  @Test("who is held back by the endpoint, or waits for 100, is not slow")
  func notTheClient() throws {
    let world = try world()
    world.holdsDials = true
    let (held, expecting) = (HTTPClient(.http1), HTTPClient(.http1))
    for client in [held, expecting] { _ = try #require(world.connect(client)) }
    let head = RequestHead(method: "POST", scheme: "http", authority: "server", path: "/")
    let one = try held.connection.request(head, body: .exactly(10))
    held.connection.send(one, [1].span)
    var asks = head
    asks.fields = [Field("expect", "100-continue")]
    _ = try expecting.connection.request(asks, body: .exactly(10))
    world.pass(milliseconds: 6_000)
    #expect(world.records.isEmpty && endedRequests(world).isEmpty)
  }

  @Test("streams of gRPC and WebSockets may be silent for longer")
  func silence() throws {
    let world = try world(.http2)
    world.application = { [applications] in applications.open($0, .http2) }
    let client = HTTPClient(.http2)
    _ = try #require(world.connect(client))
    let head = RequestHead(
      method: "POST", scheme: "http", authority: "server", path: "/a.B/C",
      fields: [Field("content-type", "application/grpc")])
    _ = try client.connection.request(head, body: .streamed)
    world.pass(milliseconds: 30_000)
    #expect(world.records.isEmpty && world.proxy.figures.requests == 1)
    world.now = world.now + Interval.seconds(3_600)
    world.proxy.advance(to: world.now)
    world.settle()
    #expect(endedRequests(world) == [.silence: 1] && world.records.count == 1)
  }

  // MARK: Responses that nobody reads

  @Test(
    "a response that is not read ends, whether the endpoint has said all of it or not",
    arguments: [
      false, true,
    ])
  func unreadStream(isWhole: Bool) throws {
    let world = try world(.http2)
    world.application = { [applications] in applications.open($0, .http2) }
    applications.answers = { _, server, id in
      guard server.requests[id]?.head.path == "/large" else { return server.answer(id) }
      try? server.connection.respond(id, ResponseHead(status: 200), body: .streamed)
      server.connection.send(id, [UInt8](repeating: 7, count: 200 << 10).span)
      if isWhole { server.connection.end(id) }
    }
    var narrow = HTTPLimits()
    narrow.streamWindow = 64 << 10
    let client = HTTPClient(.http2, limits: narrow)
    client.isReading = false
    let link = try #require(world.connect(client))
    let id = try client.ask("GET", "/large")
    // Who reads on one stream does not excuse the other.
    for _ in 0..<7 {
      world.pass(milliseconds: 500)
      _ = try client.ask()
    }
    world.settle()
    guard case .reset = client.failures[id] else {
      Issue.record("\(String(describing: client.failures[id]))")
      return
    }
    #expect(endedRequests(world) == [.unreadResponse: 1] && !link.isGone)
    #expect(world.proxy.figures.held == 0)
  }

  @Test("a client of HTTP/1.1 that reads nothing loses its connection; one that reads slowly keeps it")
  func unreadConnection() throws {
    let world = try world()
    applications.answers = { _, server, id in
      server.answer(id, 200, [UInt8](repeating: 7, count: 2 << 20))
    }
    let (deaf, slow) = (HTTPClient(.http1), HTTPClient(.http1))
    let links = try [deaf, slow].map { try #require(world.connect($0)) }
    for link in links { link.isShut = true }
    _ = try deaf.ask()
    let id = try slow.ask()
    for _ in 0..<20 {
      world.pass(milliseconds: 500)
      links[1].isShut = false
      _ = links[1].move()
      links[1].isShut = true
    }
    #expect(links[0].isGone && !links[1].isGone)
    #expect(ended(world) == [.unreadResponse: 1] && deaf.bodies.isEmpty)
    #expect((slow.bodies[id]?.count ?? 0) >= 500 << 10)
  }

  @Test("when too much waits, whoever holds the most ends, and nobody else")
  func memory() throws {
    var limits = HTTPLimits()
    limits.maximumHeld = 1 << 20
    let world = try world(limits: limits)
    applications.answers = { _, server, id in
      let size = Int(server.requests[id]?.head.path.dropFirst() ?? "") ?? 0
      server.answer(id, 200, [UInt8](repeating: 7, count: size))
    }
    let clients = (0..<3).map { _ in HTTPClient(.http1) }
    let links = try clients.map { try #require(world.connect($0)) }
    for link in links { link.isShut = true }
    for (client, size) in zip(clients, [200_000, 900_000, 100_000]) {
      _ = try client.ask("GET", "/\(size)")
      world.settle()
    }
    world.pass(milliseconds: 100)
    #expect(links.map(\.isGone) == [false, true, false] && ended(world) == [.memory: 1])
    #expect((300_000...(1 << 20)).contains(world.proxy.figures.held))
    for link in links { link.isShut = false }
    world.settle()
    #expect(clients[0].bodies.values.first?.count == 200_000 && world.proxy.figures.held == 0)
  }

  // MARK: Heads in size

  @Test(
    "the account's limit for heads holds for requests and responses", arguments: [HTTPVersion.http1, .http2])
  func headLimit(version: HTTPVersion) throws {
    let world = try world(version == .http1 ? .http1 : .http2) { $0.maximumHead = 1 << 20 }
    var large = HTTPLimits()
    large.maximumHead = 1 << 20
    world.application = { [applications] in applications.open($0, version, limits: large) }
    func filler(_ bytes: Int) -> [Field] {
      (0..<bytes >> 14).map { Field("x-filler-\($0)", String(repeating: "&", count: 16_000)) }
    }
    applications.answers = { _, server, id in
      let size = Int(server.requests[id]?.head.path.dropFirst() ?? "") ?? 0
      try? server.connection.respond(
        id, ResponseHead(status: 200, fields: filler(size)), body: .exactly(0))
      server.connection.end(id)
    }
    func ask(_ request: Int, _ response: Int) throws -> (status: Int?, text: String) {
      let client = HTTPClient(version, limits: large)
      _ = try #require(world.connect(client))
      let id = try client.ask("GET", "/\(response)", filler(request))
      world.settle()
      return (client.answers[id]?.head.status, String(decoding: client.bodies[id] ?? [], as: UTF8.self))
    }
    for (request, response) in [(60 << 10, 0), (200 << 10, 200 << 10), (1_000 << 10, 1_000 << 10)] {
      #expect(try ask(request, response).status == 200)
    }
    let refused = try ask(1_100 << 10, 0)
    #expect(refused.status == 431 && refused.text.contains("1048576 bytes"))
    #expect(world.records.last?.status == 431 && world.records.last?.details.contains("1048576") == true)
    let untrusted = try ask(0, 1_100 << 10)
    #expect(untrusted.status == 502 && untrusted.text.contains("1048576 bytes"))
    let record = try #require(world.records.last)
    #expect(record.flags.contains(.upstreamProtocolError) && record.details.contains("1048576"))
  }
}
