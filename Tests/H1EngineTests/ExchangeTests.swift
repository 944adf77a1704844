import Bytes
import HTTPModel
import Testing

@testable import H1Engine

/// A client and a server of ours, wired back to back in memory.
final class Pair {
  var client = H1Client()
  var server = H1Server()
  var toServer = ByteQueue()
  var toClient = ByteQueue()

  /// Delivers what waits for the server and answers what it understood, bodies as text.
  func serverHears() throws -> [String] {
    let bytes = toServer.takeAll()
    var events: [H1Event] = []
    let taken = try server.receive(bytes.span, into: &events)
    toServer.append(bytes.span.extracting(taken...))
    return Self.told(events, bytes)
  }

  func clientHears() throws -> [String] {
    let bytes = toClient.takeAll()
    var events: [H1Event] = []
    try client.receive(bytes.span, into: &events)
    return Self.told(events, bytes)
  }

  static func told(_ events: [H1Event], _ bytes: [UInt8]) -> [String] {
    events.map { event in
      switch event {
      case .request(let request): "\(request.head.method) \(request.head.path) \(request.body)"
      case .response(let response): "\(response.head.status) \(response.body)"
      case .body(let range): String(decoding: bytes[range], as: UTF8.self)
      case .trailers(let fields): "\(fields.map { "\($0.name)=\($0.value)" })"
      case .end: "end"
      }
    }
  }
}

@Suite("Exchanges of HTTP/1.x") struct ExchangeTests {
  func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test("bodies of both forms, both ways, with trailers; one exchange after the other")
  func bodies() throws {
    let pair = Pair()
    for round in 0..<3 {
      let head = RequestHead(method: "POST", authority: "a", path: "/\(round)", fields: [Field("x", "y")])
      try pair.client.request(head, body: round == 1 ? .exactly(5) : .streamed, into: &pair.toServer)
      try pair.client.send(bytes("hello").span, into: &pair.toServer)
      try pair.client.end(trailers: [Field("t", "1")], into: &pair.toServer)
      let kind = round == 1 ? "exactly(5)" : "streamed"
      #expect(
        try pair.serverHears()
          == ["POST /\(round) \(kind)", "hello"] + (round == 1 ? [] : ["[\"t=1\"]"]) + ["end"])
      #expect(
        pair.server.request?.head.fields.first("x") == "y" && pair.server.request?.head.authority == "a")
      try pair.server.respond(ResponseHead(status: 200), body: .streamed, into: &pair.toClient)
      #expect(!pair.client.isReady && !pair.server.isIdle)
      try pair.server.send(bytes("one").span, into: &pair.toClient)
      try pair.server.send(bytes("two").span, into: &pair.toClient)
      try pair.server.end(trailers: [Field("u", "2")], into: &pair.toClient)
      #expect(try pair.clientHears() == ["200 streamed", "one", "two", "[\"u=2\"]", "end"])
      #expect(pair.client.isReady && pair.server.isIdle && !pair.server.isOver)
    }
  }

  @Test("no bodies where there are none, and lengths that are told for HEAD and 304")
  func withoutBody() throws {
    for (method, status, size) in [
      ("HEAD", 200, BodySize.exactly(5)), ("GET", 304, .none), ("GET", 204, .none),
    ] {
      let pair = Pair()
      try pair.client.request(
        RequestHead(method: method, authority: "a", path: "/"), body: .none, into: &pair.toServer)
      try pair.client.end(into: &pair.toServer)
      _ = try pair.serverHears()
      try pair.server.respond(ResponseHead(status: status), body: size, into: &pair.toClient)
      if method == "HEAD" { try pair.server.send(bytes("hello").span, into: &pair.toClient) }
      try pair.server.end(into: &pair.toClient)
      #expect(try pair.clientHears() == ["\(status) none", "end"])
      #expect(pair.client.isReady && pair.server.isIdle)
    }
    let pair = Pair()
    try pair.client.request(
      RequestHead(method: "HEAD", authority: "a", path: "/"), body: .none, into: &pair.toServer)
    try pair.client.end(into: &pair.toServer)
    _ = try pair.serverHears()
    let told = ResponseHead(status: 200, fields: [Field("content-length", "1234")])
    try pair.server.respond(told, body: .none, into: &pair.toClient)
    try pair.server.end(into: &pair.toClient)
    let text = String(decoding: pair.toClient.takeAll(), as: UTF8.self)
    #expect(text == "HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n")
  }

  @Test("100 Continue: asked for and said; not said, the connection ends")
  func expectContinue() throws {
    for says in [true, false] {
      let pair = Pair()
      let head = RequestHead(
        method: "PUT", authority: "a", path: "/", fields: [Field("expect", "100-continue")])
      try pair.client.request(head, body: .exactly(2), into: &pair.toServer)
      #expect(try pair.serverHears() == ["PUT / exactly(2)"])
      #expect(pair.server.request?.expectsContinue == true)
      if says {
        try pair.server.inform(ResponseHead(status: 100), into: &pair.toClient)
        #expect(try pair.clientHears() == ["100 none"])
        try pair.client.send(bytes("hi").span, into: &pair.toServer)
        try pair.client.end(into: &pair.toServer)
        #expect(try pair.serverHears() == ["hi", "end"])
      }
      try pair.server.respond(ResponseHead(status: says ? 200 : 403), body: .none, into: &pair.toClient)
      try pair.server.end(into: &pair.toClient)
      #expect(try pair.clientHears().last == "end")
      #expect(pair.client.isReady == says && pair.client.isOver == !says)
    }
  }

  @Test("an upgrade and a CONNECT become opaque bytes both ways")
  func tunnels() throws {
    for method in ["GET", "CONNECT"] {
      let pair = Pair()
      let isUpgrade = method == "GET"
      let head = RequestHead(method: method, authority: "a:1", path: isUpgrade ? "/" : "")
      try pair.client.request(head, body: .none, upgrade: isUpgrade ? "websocket" : nil, into: &pair.toServer)
      try pair.client.end(into: &pair.toServer)
      // Early bytes wait for the answer.
      pair.toServer.append(bytes("GET ").span)
      #expect(try pair.serverHears() == ["\(head.method) \(head.path) none", "end"])
      #expect(pair.server.request?.upgrade == (isUpgrade ? "websocket" : nil))
      try pair.server.respond(
        ResponseHead(status: isUpgrade ? 101 : 200), body: .none, upgrade: isUpgrade ? "websocket" : nil,
        into: &pair.toClient)
      try pair.server.send(bytes("HTTP/1.1\n").span, into: &pair.toClient)
      #expect(try pair.clientHears() == ["\(isUpgrade ? 101 : 200) none", "HTTP/1.1\n"])
      #expect(try pair.serverHears() == ["GET "])
      try pair.client.send(bytes("\r\n\0").span, into: &pair.toServer)
      #expect(try pair.serverHears() == ["\r\n\0"])
      var events: [H1Event] = []
      try pair.server.finish(into: &events)
      try pair.client.finish(into: &events)
      #expect(events == [.end, .end] && !pair.client.isReady)
    }
  }

  @Test("HTTP/1.0: no chunks, kept only when asked for")
  func oldVersion() throws {
    for (asks, expected) in [
      ("", "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhi"),
      (
        "Connection: Keep-Alive\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nhi"
      ),
    ] {
      var server = H1Server()
      var events: [H1Event] = []
      var out = ByteQueue()
      _ = try server.receive(bytes("GET / HTTP/1.0\r\n\(asks)\r\n").span, into: &events)
      try server.inform(ResponseHead(status: 103), into: &out)
      try server.respond(ResponseHead(status: 200), body: asks.isEmpty ? .streamed : .exactly(2), into: &out)
      try server.send(bytes("hi").span, into: &out)
      try server.end(into: &out)
      #expect(String(decoding: out.takeAll(), as: UTF8.self) == expected)
      #expect(server.isOver == asks.isEmpty)
    }
  }

  @Test(
    "nothing that is written can be more than what was meant",
    arguments: ["\r\nX: y", "\n", "\0", "\r", "\u{7f}"])
  func injection(bad: String) throws {
    let heads = [
      RequestHead(method: "GET", authority: "a", path: "/", fields: [Field("x", "y\(bad)")]),
      RequestHead(method: "GET", authority: "a", path: "/", fields: [Field("x\(bad)", "y")]),
      RequestHead(method: "GET", authority: "a", path: "/\(bad)"),
      RequestHead(method: "GET", authority: "a\(bad)", path: "/"),
      RequestHead(method: "GET\(bad)", authority: "a", path: "/"),
    ]
    for head in heads {
      var client = H1Client()
      var out = ByteQueue()
      #expect(throws: H1Error.self) { try client.request(head, body: .none, into: &out) }
      #expect(out.takeAll() == [])
    }
    var client = H1Client()
    var out = ByteQueue()
    let plain = RequestHead(method: "GET", authority: "a", path: "/")
    #expect(throws: H1Error.self) { try client.request(plain, body: .none, upgrade: bad, into: &out) }
    let pair = Pair()
    try pair.client.request(plain, body: .streamed, into: &pair.toServer)
    _ = pair.toServer.takeAll()
    #expect(throws: H1Error.self) {
      try pair.client.end(trailers: [Field("t", "1\(bad)")], into: &pair.toServer)
    }
    #expect(pair.toServer.takeAll() == [])
    var server = H1Server()
    let answer = ResponseHead(status: 200, fields: [Field("set-cookie", "a\(bad)")])
    #expect(throws: H1Error.self) { try server.respond(answer, body: .none, into: &out) }
    #expect(out.takeAll() == [])
  }

  @Test("a body must be as long as it was told to be")
  func lengths() throws {
    var client = H1Client()
    var out = ByteQueue()
    try client.request(RequestHead(method: "PUT", authority: "a", path: "/"), body: .exactly(2), into: &out)
    #expect(throws: H1Error.self) { try client.end(into: &out) }
    #expect(throws: H1Error.self) { try client.send(bytes("abc").span, into: &out) }
    try client.send(bytes("ab").span, into: &out)
    try client.end(into: &out)
    #expect(throws: H1Error.self) { try client.send(bytes("c").span, into: &out) }
  }

  @Test("limits name themselves")
  func limits() {
    var limits = H1Limits()
    limits.maximumHead = 5 << 20
    #expect(limits.maximumHead == H1Limits.largestHead)
    limits.maximumHead = 100
    limits.maximumFields = 2
    limits.maximumBody = 4
    limits.maximumChunkLine = 20
    let start = "POST / HTTP/1.1\r\nHost: a\r\n"
    for (text, error) in [
      (
        start + "X: " + String(repeating: "y", count: 100) + "\r\n\r\n",
        H1Error(431, "the head is above the limit of 100 bytes")
      ),
      (start + "a: b\r\nc: d\r\n\r\n", H1Error(431, "more fields than the limit of 2")),
      (start + "Content-Length: 5\r\n\r\nhello", H1Error(413, "the body is above the limit of 4 bytes")),
      (
        start + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\n",
        H1Error(413, "the body is above the limit of 4 bytes")
      ),
      (
        start + "Transfer-Encoding: chunked\r\n\r\n3;aaaaaaaaaaaaaaaaaaaaaaaa\r\n",
        H1Error(400, "a chunk's line is too long")
      ),
    ] {
      for size in [1, 7, 10_000] {
        #expect(Reading.requests(bytes(text), size: size, limits: limits).failure == error)
      }
    }
    var small = H1Limits()
    small.maximumChunkExtensions = 10
    let extended =
      start + "Transfer-Encoding: chunked\r\n\r\n" + String(repeating: "1;abcd\r\nx\r\n", count: 3)
    #expect(Reading.requests(bytes(extended), limits: small).failure?.status == 400)
    let informed = String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 17)
    #expect(Reading.response(bytes(informed)).failure?.status == 502)
  }

  @Test("failures are final, ends cut, and nobody may speak unasked")
  func failures() throws {
    var server = H1Server()
    var events: [H1Event] = []
    #expect(throws: H1Error.self) { _ = try server.receive(bytes("\n").span, into: &events) }
    #expect(throws: H1Error.self) {
      _ = try server.receive(bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n").span, into: &events)
    }
    var out = ByteQueue()
    server.refuse(H1Error(400, "LF without CR"), into: &out)
    #expect(
      String(decoding: out.takeAll(), as: UTF8.self).hasSuffix("connection: close\r\n\r\nLF without CR\n"))
    #expect(events.isEmpty && server.isOver)
    #expect(Reading.requests(bytes("GET / HT"), finishing: true).failure?.detail == "the message is cut")
    #expect(Reading.requests([], finishing: true).failure == nil)
    #expect(
      Reading.response([], finishing: true).failure?.detail == "the connection ended before a response came")
    let two = bytes("HTTP/1.1 204 X\r\n\r\nHTTP/1.1 204 X\r\n\r\n")
    #expect(Reading.response(two).failure?.detail == "bytes that no request asked for")
    var client = H1Client()
    #expect(throws: H1Error.self) { try client.receive(bytes("H").span, into: &events) }
  }

  @Test("bytes that are not UTF-8 pass unchanged through fields and paths")
  func obsText() throws {
    var request =
      bytes("GET /") + [0xff, 0xc3, 0xa9] + bytes(" HTTP/1.1\r\nHost: a\r\nX: ") + [0xe9, 0x20, 0xfe]
    request += bytes("\r\n\r\n")
    let head = try #require(Reading.requests(request).requests.first?.head)
    var client = H1Client()
    var out = ByteQueue()
    try client.request(head, body: .none, into: &out)
    let sent = out.takeAll()
    #expect(sent.starts(with: bytes("GET /") + [0xff, 0xc3, 0xa9] + bytes(" HTTP/1.1\r\n")))
    #expect(Reading.requests(sent).requests.first?.head == head)
    #expect(Array(sent.suffix(10)) == bytes("x: ") + [0xe9, 0x20, 0xfe] + bytes("\r\n\r\n"))
  }
}
