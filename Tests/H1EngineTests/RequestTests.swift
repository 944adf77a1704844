import HTTPModel
import Testing

@testable import H1Engine

@Suite("Requests of HTTP/1.x") struct RequestTests {
  @Test("requests follow each other however they are cut", arguments: [1, 2, 3, 17, 1_000])
  func pipelined(size: Int) throws {
    let text =
      "GET /healthz/ready?a=b HTTP/1.1\r\nHost: x\r\nX-A:  b \t\r\n\r\n"
      + "POST /logging HTTP/1.1\r\nhost: x\r\nContent-Length: 5\r\n\r\nhello"
      + "PUT / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"
      + "GET / HTTP/1.1\r\nHost: x\r\nConnection: Keep, CLOSE\r\n\r\nGET /lost HTTP/1.1\r\n"
    let reading = Reading.requests(Array(text.utf8), size: size)
    #expect(reading.failure == nil)
    try #require(reading.requests.count == 4)
    #expect(reading.bodies.map { String(decoding: $0, as: UTF8.self) } == ["", "hello", "hello", ""])
    #expect(reading.trailers == [[Field("x-t", "1")]])
    let first = reading.requests[0]
    #expect(first.head.pathOnly == "/healthz/ready" && first.head.query == "a=b")
    #expect(first.head.authority == "x" && first.head.fields == [Field("x-a", "b")])
    #expect(reading.requests.map(\.keepsAlive) == [true, true, true, false])
    #expect(reading.requests.map(\.body) == [.none, .exactly(5), .streamed, .none])
  }
}
