import Bytes
import Logging
import MeshModel
import Reactor
import Testing

@testable import Transport

@Suite("Pages over HTTP/1.1", .timeLimit(.minutes(1)))
struct PageServerTests {
  let thread: ReactorThread
  let server: PageServer

  init() throws {
    thread = try ReactorThread(name: "t-pages")
    server = try Self.server(thread, PageLimits())
  }

  static func server(_ thread: ReactorThread, _ limits: PageLimits) throws -> PageServer {
    let server = try PageServer(
      on: SocketAddress(.loopback(.v4), 0),
      pages: [
        "/healthz/ready": { _ in Page(status: 503, text: "no mesh yet\n") },
        "/metrics": { query in Page(text: "q=\(query ?? "-")\n", contentType: "text/x") },
      ], actions: ["/logging": { query in Page(text: "did \(query ?? "-")\n") }], thread: thread,
      limits: limits, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    Task(executorPreference: thread) { await server.run() }
    return server
  }

  /// Sends a text and reads until the server closes or `part` has come.
  func exchange(_ request: String, until part: String? = nil) async throws -> String {
    let socket = try await AsyncSocket.connect(to: server.address, on: thread)
    try await socket.send(Array(request.utf8))
    var answer = ""
    while true {
      if let part, answer.contains(part) { return answer }
      let bytes = try await socket.receive()
      if bytes.isEmpty { return answer }
      answer += String(decoding: bytes, as: UTF8.self)
    }
  }

  @Test("a page is answered with its status, type and length; several on one connection")
  func pages() async throws {
    let answer = try await exchange(
      "GET /metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n"
        + "GET /healthz/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    #expect(
      answer
        == "HTTP/1.1 200 OK\r\ncontent-type: text/x\r\ncontent-length: 6\r\n\r\nq=a=b\n"
        + "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n"
        + "content-length: 12\r\nconnection: close\r\n\r\nno mesh yet\n")
    server.close()
  }

  @Test("a POST does what a page allows, and nothing elsewhere")
  func actions() async throws {
    let done = try await exchange("POST /logging?level=debug HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi")
    #expect(done.hasPrefix("HTTP/1.1 200 ") && done.hasSuffix("\r\n\r\ndid level=debug\n"))
    let get = try await exchange("GET /logging HTTP/1.0\r\n\r\n")
    #expect(get.hasPrefix("HTTP/1.1 405 ") && get.contains("allow: GET, HEAD, POST\r\n"))
    let put = try await exchange("PUT /logging HTTP/1.0\r\nContent-Length: 0\r\n\r\n")
    #expect(put.hasPrefix("HTTP/1.1 405 "))
    for field in ["Origin: null", "Origin: http://127.0.0.1", "Sec-Fetch-Site: none", "Host: evil.example"] {
      let foreign = try await exchange("POST /logging HTTP/1.0\r\n\(field)\r\nContent-Length: 0\r\n\r\n")
      #expect(foreign.hasPrefix("HTTP/1.1 403 "), "\(field)")
    }
    server.close()
  }

  @Test(
    "names and values of a query",
    arguments: [
      ("a=b&c=d%2Fe", "c", "d/e"), ("reset", "reset", ""), ("a=%zz%4", "a", "%zz%4"), ("a=b", "c", nil),
      ("a=b&a=c", "a", "b"), ("%61=%C3%A9", "a", "é"), ("a==", "a", "="), ("", "a", nil),
    ] as [(String, String, String?)])
  func queries(query: String, name: String, value: String?) { #expect(PageQuery(query)[name] == value) }

  @Test("HEAD has no body, other methods and paths are refused, and so is what is not HTTP")
  func refusals() async throws {
    let head = try await exchange("HEAD /metrics HTTP/1.0\r\n\r\n")
    #expect(head.contains("content-length: 4\r\n") && head.hasSuffix("\r\n\r\n"))
    let post = try await exchange("POST /metrics HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi")
    #expect(post.hasPrefix("HTTP/1.1 405 ") && post.contains("allow: GET, HEAD\r\n"))
    #expect(try await exchange("GET /none HTTP/1.0\r\n\r\n").hasPrefix("HTTP/1.1 404 "))
    #expect(try await exchange("GARBAGE\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
    #expect(
      try await exchange("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")
        .hasPrefix("HTTP/1.1 501 "))
    server.close()
  }

  @Test("connections are bounded in number")
  func boundInNumber() async throws {
    var limits = PageLimits()
    limits.connections = 1
    let server = try Self.server(thread, limits)
    let first = try await AsyncSocket.connect(to: server.address, on: thread)
    // An answer proves that the first connection has been taken.
    try await first.send(Array("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
    #expect(try await !first.receive().isEmpty)
    let second = try await AsyncSocket.connect(to: server.address, on: thread)
    #expect((try? await second.receive())?.isEmpty ?? true)
    #expect(server.figures.refused == 1)
    server.close()
  }

  @Test("who connects and says nothing is let go")
  func boundInTime() async throws {
    var limits = PageLimits()
    limits.lifetime = .milliseconds(50)
    let server = try Self.server(thread, limits)
    let silent = try await AsyncSocket.connect(to: server.address, on: thread)
    #expect((try? await silent.receive())?.isEmpty ?? true)
    server.close()
  }
}
