import HTTPExchange
import HTTPModel
import TestSupport
import Testing

@Suite("Both ends of a connection of either HTTP")
struct ExchangeTests {
  static let versions: [HTTPVersion] = [.http1, .http2]

  @Test(
    "a request and its response arrive whole, however the bytes are cut",
    arguments: versions, [1, 7, 65_536])
  func whole(version: HTTPVersion, step: Int) throws {
    let (client, server) = (HTTPClient(version), HTTPServer(version))
    server.onEnd = { $0.answer($1, 201, Array("made".utf8), trailers: [Field("grpc-status", "0")]) }
    let id = try client.ask(
      "POST", "/v1/payments?x=1", [Field("x-one", "1")], Array("body".utf8), trailers: [Field("x-sum", "4")])
    exchange(client, server, step: step)
    let asked = try #require(server.order.first)
    #expect(server.requests[asked]?.head.method == "POST")
    #expect(server.requests[asked]?.head.path == "/v1/payments?x=1")
    #expect(server.requests[asked]?.head.authority == "server")
    #expect(server.requests[asked]?.head.fields.first("x-one") == "1")
    #expect(server.bodies[asked] == Array("body".utf8))
    #expect(server.ends[asked] == [Field("x-sum", "4")])
    #expect(client.answers[id]?.head.status == 201)
    #expect(client.bodies[id] == Array("made".utf8))
    #expect(client.ends[id] == [Field("grpc-status", "0")])
    #expect(client.left[id] == 4 && server.left[asked] == 4)
    #expect(server.aborted.isEmpty && client.failures.isEmpty)
    #expect(client.connection.takesRequests && client.connection.load == 0)
  }

  @Test("a connection serves one request after the other", arguments: versions)
  func several(version: HTTPVersion) throws {
    let (client, server) = (HTTPClient(version), HTTPServer(version))
    server.onEnd = { $0.answer($1) }
    for number in 1...20 {
      let id = try client.ask("GET", "/\(number)")
      exchange(client, server)
      #expect(client.ends[id] == [])
    }
    #expect(server.order.count == 20)
  }

  @Test("requests sent behind each other are answered in order")
  func pipelined() throws {
    let server = HTTPServer(.http1)
    var held: [ExchangeID] = []
    server.onEnd = { held.append($1) }
    let two = Array("GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n".utf8)
    server.connection.receive(two.span)
    #expect(held.count == 1)
    server.answer(held[0], 200, Array("one".utf8))
    #expect(held.count == 2)
    server.answer(held[1], 200, Array("two".utf8))
    let text = String(decoding: drain(4096) { server.connection.transmit(into: &$0) }, as: UTF8.self)
    let bodies = text.split(separator: "\r\n").filter { $0.hasPrefix("one") || $0.hasPrefix("two") }
    #expect(text.hasSuffix("two") && bodies.first?.hasPrefix("one") == true)
  }

  @Test("many requests share an HTTP/2 connection")
  func multiplexed() throws {
    let (client, server) = (HTTPClient(.http2), HTTPServer(.http2))
    var held: [ExchangeID] = []
    server.onEnd = { held.append($1) }
    let ids = try (0..<50).map { try client.ask("GET", "/\($0)") }
    exchange(client, server)
    #expect(held.count == 50)
    for id in held.reversed() { server.answer(id, 200, Array("x".utf8)) }
    exchange(client, server)
    #expect(ids.allSatisfy { client.bodies[$0] == Array("x".utf8) })
  }

  @Test("a large body flows within its window, and credit is told when bytes leave", arguments: versions)
  func large(version: HTTPVersion) throws {
    let (client, server) = (HTTPClient(version), HTTPServer(version))
    let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    server.onEnd = { $0.answer($1, 200, body) }
    let id = try client.ask("PUT", "/", [], body)
    exchange(client, server)
    #expect(server.bodies[server.order[0]] == body)
    #expect(client.bodies[id] == body)
    #expect(client.left[id] == body.count && server.left[server.order[0]] == body.count)
  }

  @Test("what is not credited holds an HTTP/2 sender back")
  func backPressure() throws {
    final class Slow: ServerConnectionHandler {
      var count = 0
      var id: ExchangeID?
      func begun(_ id: ExchangeID, _ request: IncomingRequest) { self.id = id }
      func received(_ id: ExchangeID, _ bytes: Span<UInt8>) { count += bytes.count }
      func ended(_ id: ExchangeID, trailers: [Field]) {}
      func aborted(_ id: ExchangeID) {}
      func sent(_ id: ExchangeID, _ count: Int) {}
      func wantsTransmit() {}
    }
    let (client, server, slow) = (HTTPClient(.http2), HTTPServer(.http2), Slow())
    server.connection.handler = slow
    _ = try client.ask("PUT", "/", [], [UInt8](repeating: 1, count: 1_000_000))
    exchange(client, server)
    #expect(slow.count == 256 << 10)
    server.connection.consumed(try #require(slow.id), slow.count)
    exchange(client, server)
    #expect(slow.count == 512 << 10)
  }

  @Test("a client that goes away is told as aborted, a server that does as lost", arguments: versions)
  func cut(version: HTTPVersion) throws {
    let (client, server) = (HTTPClient(version), HTTPServer(version))
    let id = try client.ask()
    exchange(client, server)
    server.connection.cut()
    client.connection.cut("gone")
    #expect(server.aborted == server.order)
    #expect(client.failures[id] == .lost("gone"))
    #expect(!client.connection.takesRequests)
  }

  @Test("a reset ends its own exchange alone")
  func reset() throws {
    let (client, server) = (HTTPClient(.http2), HTTPServer(.http2))
    let first = try client.ask("GET", "/1")
    let second = try client.ask("GET", "/2")
    exchange(client, server)
    server.connection.reset(server.order[0])
    server.answer(server.order[1])
    exchange(client, server)
    guard case .reset = client.failures[first] else {
      Issue.record("\(String(describing: client.failures[first]))")
      return
    }
    #expect(client.ends[second] == [])
    let third = try client.ask("GET", "/3")
    exchange(client, server)
    client.connection.cancel(third)
    exchange(client, server)
    #expect(server.aborted == [server.order[2]])
  }

  @Test("a stream answered before its request was whole does not stay open")
  func early() throws {
    let (client, server) = (HTTPClient(.http2), HTTPServer(.http2))
    server.onRequest = { $0.answer($1, 413) }
    // More than may be open at once, and fewer than a server takes for a flood of resets.
    for _ in 0..<150 {
      let head = RequestHead(method: "PUT", scheme: "http", authority: "server", path: "/")
      let id = try client.connection.request(head, body: .streamed)
      exchange(client, server)
      #expect(client.answers[id]?.head.status == 413)
    }
    #expect(client.connection.takesRequests)
  }

  @Test("a request that breaks the rules is answered and the connection closed")
  func malformed() throws {
    let server = HTTPServer(.http1)
    server.connection.receive(Array("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".utf8).span)
    let text = String(decoding: drain(4096) { server.connection.transmit(into: &$0) }, as: UTF8.self)
    #expect(text.hasPrefix("HTTP/1.1 400 "))
    #expect(server.connection.isFinished && server.order.isEmpty)
  }

  @Test("a response cut short is not taken for whole")
  func short() throws {
    let client = HTTPClient(.http1)
    let id = try client.ask()
    _ = drain(4096) { client.connection.transmit(into: &$0) }
    client.connection.receive(Array("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345".utf8).span)
    client.connection.finish()
    guard case .lost = client.failures[id] else {
      Issue.record("\(String(describing: client.failures[id]))")
      return
    }
    #expect(client.ends[id] == nil)
  }

  @Test("draining lets what is under way go on and takes no more", arguments: versions)
  func drained(version: HTTPVersion) throws {
    let (client, server) = (HTTPClient(version), HTTPServer(version))
    let id = try client.ask()
    exchange(client, server)
    server.connection.drain()
    server.answer(server.order[0])
    exchange(client, server)
    #expect(client.ends[id] == [])
    if version == .http2 { #expect(!client.connection.takesRequests) }
  }
}
