import Bytes
import Logging
import MeshModel
import Reactor
import Testing

@testable import Transport

@Suite("Pages for browsers", .timeLimit(.minutes(1)))
struct PageGuardTests {
  @Test("who asks by a name that is not ours is not answered: a site may have pointed it here")
  func names() {
    let ours = [
      "localhost", "localhost:15014", "LOCALHOST", "mesh.localhost:1", "127.0.0.1", "127.0.0.1:15014",
      "10.1.2.3:80", "[::1]:15014", "[::1]",
    ]
    for name in ours { #expect(PageGuard.isOurs(name), "\(name)") }
    let others: [String?] = [
      nil, "", "evil.example", "evil.example:15014", "localhost.evil.example", "127.0.0.1.evil.example",
      "[::1].evil.example", "[::1", "[evil]", "notlocalhost", "::1", "127.0.0.1@evil.example",
    ]
    for name in others { #expect(!PageGuard.isOurs(name), "\(name ?? "nil")") }
  }

  @Test("over HTTP: guarded pages have their fields, are refused by another name, and others are as before")
  func served() async throws {
    let thread = try ReactorThread(name: "t-browsed")
    let server = try PageServer(
      listening: Socket.listener(on: SocketAddress(.loopback(.v4), 0)),
      pages: ["/metrics": { _ in Page(text: "m\n") }],
      browsed: [
        "/": { _ in
          var page = Page(text: "<p>")
          page.contentPolicy = "script-src 'sha256-x'"
          return page
        }, "/api": { _ in Page(text: "{}") },
      ], thread: thread, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    Task(executorPreference: thread) { await server.run() }
    func ask(_ request: String) async throws -> String {
      let socket = try await AsyncSocket.connect(to: server.address, on: thread)
      try await socket.send(Array("\(request)\r\nConnection: close\r\n\r\n".utf8))
      var answer = ""
      while true {
        let bytes = try await socket.receive()
        if bytes.isEmpty { return answer }
        answer += String(decoding: bytes, as: UTF8.self)
      }
    }
    let page = try await ask("GET / HTTP/1.1\r\nHost: localhost:1")
    #expect(page.hasPrefix("HTTP/1.1 200 ") && page.contains("x-content-type-options: nosniff\r\n"))
    #expect(page.contains("content-security-policy: script-src 'sha256-x'; base-uri 'none'"))
    #expect(page.contains("cache-control: no-store\r\n") && !page.contains("access-control"))
    let document = try await ask("GET /api HTTP/1.1\r\nHost: 127.0.0.1")
    #expect(document.contains("content-security-policy: default-src 'none'; base-uri"))
    #expect(document.contains("cross-origin-resource-policy: same-origin\r\n"))
    #expect(try await ask("GET /api HTTP/1.1\r\nHost: evil.example").hasPrefix("HTTP/1.1 421 "))
    #expect(try await ask("GET http://evil.example/api HTTP/1.1\r\nHost: localhost").hasPrefix("HTTP/1.1 4"))
    #expect(try await ask("GET /api HTTP/1.0").hasPrefix("HTTP/1.1 421 "))
    #expect(
      try await ask("POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0").hasPrefix("HTTP/1.1 405 "))
    // A scraper may call us by any name.
    let metrics = try await ask("GET /metrics HTTP/1.1\r\nHost: apus-control.apus-system.svc:15014")
    #expect(metrics.hasPrefix("HTTP/1.1 200 ") && !metrics.contains("content-security-policy"))
    server.close()
  }

  @Test("a socket is inherited by its number, also after one who had it has closed it; nothing else is")
  func inherited() async throws {
    let thread = try ReactorThread(name: "t-inherited")
    let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    // A port of one's own choice stays with the socket; one that the kernel chose does not.
    let address = try #require(SocketAddress("127.91.0.7:15099"))
    let socket = try Socket.listener(on: address)
    for turn in 1...2 {
      let server = try PageServer(
        listening: Socket.listener(inherited: try socket.duplicate().release().release()),
        pages: ["/": { _ in Page(text: "turn \(turn)\n") }], thread: thread, log: log)
      #expect(server.address == address)
      Task(executorPreference: thread) { await server.run() }
      let client = try await AsyncSocket.connect(to: address, on: thread)
      try await client.send(Array("GET / HTTP/1.0\r\n\r\n".utf8))
      #expect(String(decoding: try await client.receive(), as: UTF8.self).hasSuffix("turn \(turn)\n"))
      server.close()
    }
    let idle = try Socket(.v4).release().release()
    #expect(throws: SystemError.self) { _ = try Socket.listener(inherited: idle) }
    #expect(throws: SystemError.self) { _ = try Socket.listener(inherited: 0) }
  }
}
