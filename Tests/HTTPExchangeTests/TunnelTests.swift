import HTTPExchange
import HTTPModel
import TestSupport
import Testing

@Suite("Tunnels and what comes before a response, in either HTTP")
struct TunnelTests {
  static let versions: [HTTPVersion] = [.http1, .http2]

  /// A client and a server that know each other's settings.
  private func pair(_ version: HTTPVersion) -> (HTTPClient, HTTPServer) {
    let (client, server) = (HTTPClient(version), HTTPServer(version))
    exchange(client, server)
    return (client, server)
  }

  private func open(
    _ client: HTTPClient, _ method: String = "GET", upgrade: String? = "websocket"
  ) throws -> ExchangeID {
    let authority = method == "CONNECT" ? "other:443" : "server"
    let path = method == "CONNECT" ? "" : "/chat"
    let id = try client.connection.request(
      RequestHead(method: method, authority: authority, path: path), body: .none, upgrade: upgrade)
    client.connection.end(id)
    return id
  }

  @Test("an upgrade is one thing in both: a GET that offers it, answered 101", arguments: versions)
  func upgrade(version: HTTPVersion) throws {
    let (client, server) = pair(version)
    server.onRequest = { server, id in
      #expect(server.requests[id]?.head.method == "GET" && server.requests[id]?.head.path == "/chat")
      #expect(server.requests[id]?.upgrade == "websocket" && server.requests[id]?.body == BodySize.none)
    }
    let id = try open(client)
    exchange(client, server)
    let asked = try #require(server.order.first)
    #expect(server.ends[asked] == [])
    server.ends = [:]
    try server.connection.respond(asked, ResponseHead(status: 101), body: .none, upgrade: "websocket")
    exchange(client, server)
    #expect(client.answers[id]?.isTunnel == true && client.answers[id]?.head.status == 101)
    client.connection.send(id, [1, 2, 3].span)
    server.connection.send(asked, [4, 5].span)
    exchange(client, server)
    #expect(server.bodies[asked] == [1, 2, 3] && client.bodies[id] == [4, 5])
    client.connection.end(id)
    exchange(client, server)
    if version == .http1 {
      // The owner of what carries it ends that.
      #expect(client.connection.hasSaidAll)
      server.connection.finish()
    }
    #expect(server.ends[asked] == [])
    server.connection.send(asked, [6].span)
    server.connection.end(asked)
    exchange(client, server)
    #expect(client.bodies[id] == [4, 5, 6] && client.failures.isEmpty && server.aborted.isEmpty)
  }

  @Test("a tunnel that the server ends is over", arguments: versions)
  func endedByServer(version: HTTPVersion) throws {
    let (client, server) = pair(version)
    let id = try open(client)
    exchange(client, server)
    try server.connection.respond(
      server.order[0], ResponseHead(status: 101), body: .none, upgrade: "websocket")
    server.connection.send(server.order[0], [7].span)
    server.connection.end(server.order[0])
    exchange(client, server)
    #expect(client.bodies[id] == [7])
    if version == .http1 {
      // Nothing but the end of the connection says it.
      #expect(server.connection.isFinished)
    } else {
      #expect(client.ends[id] == [] && server.connection.isIdle)
    }
  }

  @Test("a CONNECT becomes a tunnel", arguments: versions)
  func connect(version: HTTPVersion) throws {
    let (client, server) = pair(version)
    let id = try open(client, "CONNECT", upgrade: nil)
    exchange(client, server)
    let asked = try #require(server.order.first)
    #expect(server.requests[asked]?.asksForTunnel == true && server.ends[asked] == [])
    try server.connection.respond(asked, ResponseHead(status: 200), body: .none, upgrade: "")
    exchange(client, server)
    #expect(client.answers[id]?.isTunnel == true && client.answers[id]?.head.status == 200)
    client.connection.send(id, [1].span)
    server.connection.send(asked, [2].span)
    exchange(client, server)
    #expect(server.bodies[asked] == [1] && client.bodies[id] == [2])
  }

  @Test("an upgrade that is refused is answered as any request", arguments: versions)
  func refused(version: HTTPVersion) throws {
    let (client, server) = pair(version)
    let id = try open(client)
    exchange(client, server)
    if version == .http2 {
      // There, it would open the tunnel.
      #expect(throws: HeadError.self) {
        try server.connection.respond(server.order[0], ResponseHead(status: 200), body: .none)
      }
    }
    server.answer(server.order[0], 404, Array("no".utf8))
    exchange(client, server)
    #expect(client.answers[id]?.isTunnel == false && client.answers[id]?.head.status == 404)
    #expect(client.bodies[id] == Array("no".utf8) && client.connection.load == 0)
  }

  @Test("what comes behind an upgrade is of the tunnel, though it came early")
  func early() throws {
    let server = HTTPServer(.http1)
    let head = "GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"
    server.connection.receive(Array((head + "early").utf8).span)
    server.connection.finish()
    #expect(server.bodies.isEmpty)
    server.ends = [:]
    try server.connection.respond(
      server.order[0], ResponseHead(status: 101), body: .none, upgrade: "websocket")
    #expect(server.bodies[server.order[0]] == Array("early".utf8) && server.ends[server.order[0]] == [])
  }

  @Test("an informational response comes before the final one", arguments: versions)
  func informational(version: HTTPVersion) throws {
    let (client, server) = pair(version)
    server.onRequest = { server, id in
      #expect(server.requests[id]?.expectsContinue == true)
      server.connection.inform(id, ResponseHead(status: 100))
      server.connection.inform(id, ResponseHead(status: 103, fields: [Field("link", "</a>")]))
    }
    server.onEnd = { $0.answer($1) }
    let id = try client.ask("POST", "/", [Field("expect", "100-continue")], [1])
    exchange(client, server)
    #expect(client.informed == [100, 103] && client.answers[id]?.head.status == 200)
  }

  @Test("a message without a body ends with its head", arguments: versions)
  func headsAlone(version: HTTPVersion) throws {
    let (client, server) = pair(version)
    server.onEnd = { server, id in
      try? server.connection.respond(
        id, ResponseHead(status: 204, fields: [Field("grpc-status", "7")]), body: .none)
      server.connection.end(id)
    }
    let id = try client.ask()
    exchange(client, server)
    #expect(server.requests[server.order[0]]?.body == BodySize.none)
    #expect(client.answers[id]?.body == BodySize.none && client.ends[id] == [] && server.aborted.isEmpty)
  }

  @Test("what has left is told while more waits", arguments: versions)
  func leaving(version: HTTPVersion) throws {
    let (client, server) = pair(version)
    let id = try client.ask("PUT", "/", [], [UInt8](repeating: 1, count: 100_000))
    let part = drain(20_000) { client.connection.transmit(into: &$0) }
    client.connection.settle()
    #expect(client.left[id].map { (10_000...20_000).contains($0) } == true)
    server.connection.receive(part.span)
    exchange(client, server)
    #expect(client.left[id] == 100_000 && server.bodies[server.order[0]]?.count == 100_000)
  }

  @Test("a client that ends an idle connection is not kept", arguments: [0, 1])
  func idle(requests: Int) throws {
    let (client, server) = pair(.http1)
    server.onEnd = { $0.answer($1) }
    for _ in 0..<requests {
      _ = try client.ask()
      exchange(client, server)
    }
    #expect(!server.connection.isFinished)
    server.connection.finish()
    #expect(server.connection.isFinished)
  }

  @Test("an answered request is not read on")
  func unread() throws {
    let (client, server) = pair(.http2)
    server.onRequest = { server, id in
      try? server.connection.respond(id, ResponseHead(status: 413), body: .streamed)
      server.connection.end(id, trailers: [Field("x-why", "long")])
    }
    let head = RequestHead(method: "PUT", scheme: "http", authority: "server", path: "/")
    let id = try client.connection.request(head, body: .streamed)
    // The end of the response alone, as a client that goes on sending gets it.
    let asked = drain(64 << 10) { client.connection.transmit(into: &$0) }
    server.connection.receive(asked.span)
    _ = drain(64 << 10) { server.connection.transmit(into: &$0) }
    server.connection.settle()
    #expect(server.connection.isIdle && server.aborted.isEmpty)
    _ = id
  }
}
