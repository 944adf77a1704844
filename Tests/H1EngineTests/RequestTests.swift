import HTTPModel
import Testing

@testable import H1Engine

@Suite struct RequestTests {
  /// The heads and bodies of a connection cut into pieces of `size` bytes, and the error that ended it.
  private func read(_ text: String, size: Int = 1_000_000) -> (
    heads: [H1RequestHead], bodies: [String], H1Error?
  ) {
    let bytes = Array(text.utf8)
    var parser = H1RequestParser()
    var heads: [H1RequestHead] = []
    var bodies: [String] = []
    var body: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      let piece = Array(bytes[start..<min(start + size, bytes.count)])
      var events: [H1Event] = []
      var failure: H1Error?
      do throws(H1Error) { try parser.receive(piece.span, into: &events) } catch { failure = error }
      for event in events {
        switch event {
        case .head(let head): heads.append(head)
        case .body(let range): body += piece[range]
        case .end:
          bodies.append(String(decoding: body, as: UTF8.self))
          body = []
        }
      }
      if let failure { return (heads, bodies, failure) }
    }
    return (heads, bodies, nil)
  }

  @Test(arguments: [1, 2, 17, 1_000])
  func requestsFollowEachOtherInAnyCut(size: Int) throws {
    let text =
      "GET /healthz/ready?a=b HTTP/1.1\r\nHost: x\r\nX-A:  b \t\r\n\r\n"
      + "POST /logging HTTP/1.1\r\nhost: x\r\nContent-Length: 5\r\nConnection: Keep, CLOSE\r\n\r\nhello"
      + "GET / HTTP/1.0\r\n\r\n"
    let (heads, bodies, failure) = read(text, size: size)
    #expect(failure == nil)
    try #require(heads.count == 3)
    #expect(bodies == ["", "hello", ""])
    #expect(heads[0].path == "/healthz/ready" && heads[0].query == "a=b")
    #expect(heads[0].fields == [Field("host", "x"), Field("x-a", "b")])
    #expect(heads.map(\.keepsAlive) == [true, false, false])
    #expect(heads.map(\.contentLength) == [0, 5, 0])
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\nHost: x\n\n", 400), ("GET / HTTP/1.1\r\nHost: x\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: x\rY: z\r\n\r\n", 400), ("\r\nGET / HTTP/1.1\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400), ("GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400), ("GET / HTTP/1.1\r\n: x\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost x\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: x\u{0}\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: x\r\nÄ: b\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400), ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400), ("GET /\r\n\r\n", 400), ("G@T / HTTP/1.1\r\n\r\n", 400),
    ("GET http://x/ HTTP/1.1\r\nHost: y\r\n\r\n", 400), ("GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400), ("GET /\u{7f} HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400), ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    ("GET / http/1.1\r\nHost: x\r\n\r\n", 400), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nhello", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 417),
  ])
  func refused(text: String, status: Int) {
    for size in [1, 1_000] {
      let (heads, _, failure) = read(text, size: size)
      #expect(heads.isEmpty)
      #expect(failure?.status == status)
    }
  }

  @Test func limits() {
    let line = "X: " + String(repeating: "a", count: 1_000) + "\r\n"
    let long = "GET / HTTP/1.1\r\nHost: x\r\n" + String(repeating: line, count: 20) + "\r\n"
    #expect(read(long).2?.status == 431)
    let many = "GET / HTTP/1.1\r\nHost: x\r\n" + String(repeating: "a: b\r\n", count: 100) + "\r\n"
    #expect(read(many).2?.status == 431)
    #expect(read("GET /" + String(repeating: "a", count: 20_000)).2?.status == 431)
  }

  @Test func failureIsFinal() {
    var parser = H1RequestParser()
    var events: [H1Event] = []
    let bad = Array("\n".utf8)
    let good = Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
    #expect(throws: H1Error.self) { try parser.receive(bad.span, into: &events) }
    #expect(throws: H1Error.self) { try parser.receive(good.span, into: &events) }
    #expect(events.isEmpty && !parser.isAtBoundary)
  }

  @Test func boundary() throws {
    var parser = H1RequestParser()
    var events: [H1Event] = []
    #expect(parser.isAtBoundary)
    let half = Array("GET".utf8)
    try parser.receive(half.span, into: &events)
    #expect(!parser.isAtBoundary)
    let rest = Array(" / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
    try parser.receive(rest.span, into: &events)
    #expect(parser.isAtBoundary && events.last == .end)
  }

  @Test func responses() {
    let page = H1Response(text: "ok\n")
    #expect(
      String(decoding: page.encode(keepsAlive: true), as: UTF8.self)
        == "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 3\r\n\r\nok\n")
    #expect(
      String(decoding: page.encode(headOnly: true, keepsAlive: false), as: UTF8.self)
        == "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 3\r\n"
        + "connection: close\r\n\r\n")
    #expect(H1Response(status: 204).encode(keepsAlive: true) == Array("HTTP/1.1 204 No Content\r\n\r\n".utf8))
    #expect(H1Response(H1Error(400, "LF without CR")).status == 400)
  }
}
