import Bytes
import HTTPModel
import Logging
import MeshModel
import Reactor
import Testing
import Transport

@testable import Fetching

@Suite("Fetching over plain HTTP", .timeLimit(.minutes(1)))
struct PlainFetchTests {
  let thread: ReactorThread

  init() throws { thread = try ReactorThread(name: "t-fetch") }

  func fetcher(_ change: (inout FetchLimits) -> Void = { _ in }) throws -> Fetcher {
    var limits = FetchLimits()
    change(&limits)
    return try Fetcher(on: thread, limits: limits)
  }

  /// The stage and words of the failure that `work` must end in.
  func failure(_ work: () async throws(FetchError) -> Void) async -> FetchError? {
    do throws(FetchError) { try await work() } catch { return error }
    return nil
  }

  @Test("our own pages, by address and by name")
  func ownPages() async throws {
    let server = try PageServer(
      on: SocketAddress(.loopback(.v4), 0), pages: ["/metrics": { query in Page(text: "q=\(query ?? "-")") }],
      thread: thread, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    Task(executorPreference: thread) { await server.run() }
    defer { server.close() }
    for host in ["127.0.0.1", "localhost"] {
      let answer = try await fetcher().get("http://\(host):\(server.address.port)/metrics?a=b#c")
      #expect(answer.status == 200 && answer.text == "q=a=b")
      #expect(answer.fields.first("content-type") == "text/plain; charset=utf-8")
    }
    let missing = try await fetcher().get("http://\(server.address)/none")
    #expect(missing.status == 404 && !missing.isSuccess)
  }

  @Test("bodies of every form from Python's server, and a POST")
  func bodies() async throws {
    let server = try PythonServer()
    let place = "http://127.0.0.1:\(server.port)"
    let chunked = try await fetcher().get(place + "/chunked")
    #expect(chunked.text == (0..<100).map { String(repeating: "\($0);", count: 100) }.joined())
    #expect(try await fetcher().get(place + "/until-close").text == "till the end")
    let head = try await fetcher().fetch(FetchRequest("HEAD", FetchURL(place + "/none")))
    #expect(head.status == 404 && head.body.isEmpty && head.fields.first("content-length") == "12")
    let body = [UInt8](repeating: 0x61, count: 300_000)
    let posted = try await fetcher().fetch(
      FetchRequest("POST", FetchURL(place + "/"), fields: [Field("content-type", "x/y")], body: body))
    #expect(posted.status == 201 && posted.body == Array("x/y|".utf8) + body)
    let fields = try await fetcher().get(place + "/fields", fields: [Field("x-a", "b")])
    #expect(fields.text.contains("host: 127.0.0.1:\(server.port)\n") && fields.text.contains("x-a: b\n"))
  }

  @Test("what fails says which step, where and why")
  func failures() async throws {
    let server = try PythonServer()
    let place = "http://127.0.0.1:\(server.port)"
    let cut = await failure { () throws(FetchError) in
      _ = try await fetcherOrTrap().get(place + "/cut?secret")
    }
    #expect(cut == FetchError(.body, at: place + "/cut", "the message is cut"))
    let garbage = await failure { () throws(FetchError) in
      _ = try await fetcherOrTrap().get(place + "/garbage")
    }
    #expect(garbage?.stage == .response && garbage?.reason == "the status line is malformed")
    let closed = await failure { () throws(FetchError) in
      _ = try await fetcherOrTrap().get("http://127.0.0.1:1/")
    }
    #expect(closed?.stage == .connect && closed?.reason.contains("Connection refused") == true)
    let unknown = await failure { () throws(FetchError) in
      _ = try await fetcherOrTrap().get("http://no-such-name.invalid/")
    }
    #expect(unknown?.stage == .resolve)
    for text in ["ftp://x/", "http://", "http://a b/", "http://u@h/", "http://h:99999/", "http://h/\r\nX: y"]
    {
      let refused = await failure { () throws(FetchError) in _ = try FetchURL(text) }
      #expect(refused?.stage == .url, "\(text)")
    }
    let secure = await failure { () throws(FetchError) in
      _ = try await fetcherOrTrap().get("https://127.0.0.1:\(server.port)/")
    }
    #expect(secure?.stage == .tls)
    let field = await failure { () throws(FetchError) in
      _ = try await fetcherOrTrap().get(place + "/", fields: [Field("x", "a\r\nb: c")])
    }
    #expect(field?.stage == .url && field?.reason.contains("x") == true)
  }

  @Test("limits of time, head and body")
  func bounds() async throws {
    let server = try PythonServer()
    let place = "http://127.0.0.1:\(server.port)"
    let silent = await failure { () throws(FetchError) in
      _ = try await fetcherOrTrap { $0.time = .milliseconds(200) }.get(place + "/silent")
    }
    #expect(silent?.stage == .time)
    let flood = await failure { () throws(FetchError) in
      _ = try await fetcherOrTrap { $0.body = 1 << 20 }.get(place + "/flood")
    }
    #expect(flood?.stage == .limit)
    let head = await failure { () throws(FetchError) in
      _ = try await fetcherOrTrap { $0.head = 4_096 }.get(place + "/big-head")
    }
    #expect(head?.reason == "the head is above the limit of 4096 bytes")
    #expect(try await fetcher().get(place + "/big-head").status == 200)
  }

  @Test("redirects are followed only when asked for, and only so often")
  func redirects() async throws {
    let server = try PythonServer()
    let place = "http://127.0.0.1:\(server.port)"
    #expect(try await fetcher().get(place + "/to/none").status == 302)
    #expect(try await fetcher { $0.redirects = 2 }.get(place + "/to/to/none").status == 404)
    let many = await failure { () throws(FetchError) in
      _ = try await fetcherOrTrap { $0.redirects = 1 }.get(place + "/to/to/none")
    }
    #expect(many?.stage == .redirect)
  }

  @Test("a watch: pieces arrive while the response is under way, and silence ends it")
  func streams() async throws {
    let server = try PythonServer()
    let watch = try await fetcher { $0.silence = .milliseconds(300) }
      .open(FetchRequest("GET", FetchURL("http://127.0.0.1:\(server.port)/watch")))
    var text = ""
    let ended = await failure { () throws(FetchError) in
      for try await piece in watch { text += String(decoding: piece, as: UTF8.self) }
    }
    #expect(text == "ev0\nev1\nev2\n")
    #expect(ended?.stage == .time)
  }

  @Test("a stream that nobody reads is not read ahead")
  func backPressure() async throws {
    let server = try PythonServer()
    let flood = try await fetcher().open(
      FetchRequest("GET", FetchURL("http://127.0.0.1:\(server.port)/flood")))
    var pieces = flood.makeAsyncIterator()
    for _ in 0..<8 {
      let piece = try await pieces.next()
      #expect((piece?.count ?? 0) <= 64 << 10)
    }
    flood.close()
    let ended = await failure { () throws(FetchError) in while try await pieces.next() != nil {} }
    #expect(ended != nil)
  }

  /// For closures that throw nothing but FetchError.
  func fetcherOrTrap(_ change: (inout FetchLimits) -> Void = { _ in }) -> Fetcher {
    guard let fetcher = try? fetcher(change) else { preconditionFailure("no fetcher") }
    return fetcher
  }
}
