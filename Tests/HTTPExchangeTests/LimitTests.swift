import HTTPExchange
import HTTPModel
import TestSupport
import Testing

@Suite("How large a head may be")
struct LimitTests {
  struct Case: CustomStringConvertible, Sendable {
    var limit: Int
    var size: Int
    var fits: Bool
    var description: String { "\(size) bytes where \(limit) may be" }
  }

  static let cases = [
    Case(limit: 64 << 10, size: 60 << 10, fits: true), Case(limit: 64 << 10, size: 70 << 10, fits: false),
    Case(limit: 64 << 10, size: 200 << 10, fits: false), Case(limit: 1 << 20, size: 200 << 10, fits: true),
    Case(limit: 1 << 20, size: (1 << 20) - (4 << 10), fits: true),
    Case(limit: 1 << 20, size: (1 << 20) + (16 << 10), fits: false),
  ]

  private func limits(_ head: Int) -> HTTPLimits {
    var limits = HTTPLimits()
    limits.maximumHead = head
    return limits
  }

  /// So many bytes in fields that HTTP/2 neither compresses nor takes for too large each.
  static func fields(_ bytes: Int) -> [Field] {
    stride(from: 0, to: bytes, by: 30_000).enumerated().map { number, start in
      Field("x-filler-\(number)", String(repeating: "&", count: min(30_000, bytes - start)))
    }
  }

  @Test("a request's", arguments: ExchangeTests.versions, cases)
  func requests(version: HTTPVersion, given: Case) throws {
    let (client, server) = (HTTPClient(version), HTTPServer(version, limits: limits(given.limit)))
    server.onEnd = { $0.answer($1) }
    let id = try client.ask("GET", "/", Self.fields(given.size))
    exchange(client, server)
    #expect(client.answers[id]?.head.status == (given.fits ? 200 : 431))
    #expect(server.order.isEmpty == !given.fits)
    if given.fits {
      let came = server.order.first.flatMap { server.requests[$0] }?.head.fields ?? []
      #expect(came.reduce(0) { $0 + $1.value.utf8.count } == given.size)
    } else {
      let text = String(decoding: client.bodies[id] ?? [], as: UTF8.self)
      #expect(text.contains("\(given.limit) bytes") && client.ends[id] != nil)
    }
    guard version == .http2 else { return #expect(given.fits || server.connection.isFinished) }
    // Others on the connection do not suffer.
    let next = try client.ask()
    exchange(client, server)
    #expect(client.answers[next]?.head.status == 200 && server.connection.fault == nil)
  }

  @Test("a response's", arguments: ExchangeTests.versions, cases)
  func responses(version: HTTPVersion, given: Case) throws {
    let (client, server) = (HTTPClient(version, limits: limits(given.limit)), HTTPServer(version))
    server.onEnd = { server, id in
      let head = ResponseHead(status: 200, fields: Self.fields(given.size))
      try? server.connection.respond(id, head, body: .none)
      server.connection.end(id)
    }
    let id = try client.ask()
    exchange(client, server)
    if given.fits {
      let came = client.answers[id]?.head.fields ?? []
      #expect(came.reduce(0) { $1.name.hasPrefix("x-f") ? $0 + $1.value.utf8.count : $0 } == given.size)
    } else {
      #expect(
        client.failures[id] == .malformed("the head is above the limit of \(given.limit) bytes")
          && client.answers[id] == nil)
    }
  }

  @Test("a request's trailers", arguments: ExchangeTests.versions, [false, true])
  func trailers(version: HTTPVersion, isAnswered: Bool) throws {
    let (client, server) = (HTTPClient(version), HTTPServer(version))
    if isAnswered {
      server.onRequest = { server, id in
        try? server.connection.respond(id, ResponseHead(status: 200), body: .streamed)
        server.connection.send(id, [1].span)
      }
    }
    let id = try client.ask("POST", "/", [], [1], trailers: Self.fields(70 << 10))
    exchange(client, server)
    #expect(server.aborted == server.order && server.ends.isEmpty)
    #expect(client.answers[id]?.head.status == (isAnswered ? 200 : 431))
    #expect(isAnswered == (client.ends[id] == nil))
  }

  @Test("a response's trailers", arguments: ExchangeTests.versions)
  func responseTrailers(version: HTTPVersion) throws {
    let (client, server) = (HTTPClient(version), HTTPServer(version))
    server.onEnd = { $0.answer($1, 200, [1], trailers: Self.fields(70 << 10)) }
    let id = try client.ask()
    exchange(client, server)
    #expect(client.failures[id] == .malformed("the head is above the limit of 65536 bytes"))
    #expect(client.ends[id] == nil)
  }

  @Test("many requests behind each other are all read, and nothing of them is kept")
  func pipelined() throws {
    let server = HTTPServer(.http1)
    var held: [ExchangeID] = []
    server.onEnd = { held.append($1) }
    let one = Array("GET / HTTP/1.1\r\nhost: a\r\n\r\n".utf8)
    let all = (0..<20_000).flatMap { _ in one }
    server.connection.receive(all.span)
    var credit = server.connection.takeCredit()
    #expect(credit == one.count && server.connection.held == all.count - one.count)
    var answered = 0
    while let id = held.popLast() {
      server.answer(id)
      answered += 1
      _ = drain(4_096) { server.connection.transmit(into: &$0) }
      credit += server.connection.takeCredit()
    }
    #expect(answered == 20_000 && credit == all.count && server.connection.held == 0)
  }
}
