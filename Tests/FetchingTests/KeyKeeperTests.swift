import Bytes
import Logging
import MeshModel
import Reactor
import Synchronization
import Testing
import Tokens
import Transport

@testable import Fetching

@Suite("Keys of issuers are kept at hand", .timeLimit(.minutes(1)))
struct KeyKeeperTests {
  let thread: ReactorThread

  init() throws { thread = try ReactorThread(name: "t-keys") }

  /// An issuer whose answer may change; it counts who asks.
  private final class Issuer: Sendable {
    let page = Mutex(Page(text: ""))
    let asked = Atomic(0)

    /// A set of that many keys.
    static func document(_ count: Int) -> Page {
      let key = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
      return Page(text: "{\"keys\":[" + Array(repeating: key, count: count).joined(separator: ",") + "]}")
    }

    func answer() -> Page {
      asked.add(1, ordering: .relaxed)
      return page.withLock { $0 }
    }
  }

  private func serve(_ issuer: Issuer) throws -> PageServer {
    try PageServer(
      on: SocketAddress(.loopback(.v4), 0), pages: ["/keys": { _ in issuer.answer() }], thread: thread,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  private static let quick: KeyKeeper.Times = {
    var times = KeyKeeper.Times()
    times.refresh = .milliseconds(20)
    times.firstPause = .milliseconds(5)
    times.longestPause = .milliseconds(20)
    return times
  }()

  private func keeper(
    _ times: KeyKeeper.Times = Self.quick, report: @escaping @Sendable (String) -> Void = { _ in },
    onChange: @escaping @Sendable (TokenKeys) -> Void = { _ in }
  ) -> KeyKeeper {
    KeyKeeper(on: thread, roots: nil, times: times, report: report, onChange: onChange)
  }

  private func until(_ condition: @Sendable () -> Bool) async throws {
    while !condition() { try await thread.sleep(for: .milliseconds(2)) }
  }

  @Test("fetched at once, refreshed, and kept while the issuer fails")
  func refreshedAndKept() async throws {
    let issuer = Issuer()
    let server = try serve(issuer)
    Task(executorPreference: thread) { await server.run() }
    defer { server.close() }
    let uri = "http://\(server.address)/keys"
    let faults = Mutex<[String]>([])
    let seen = Mutex<[Int]>([])
    issuer.page.withLock { $0 = Issuer.document(1) }
    let keeper = keeper(
      report: { fault in faults.withLock { $0.append(fault) } },
      onChange: { keys in seen.withLock { $0.append(keys[uri]?.count ?? 0) } })
    keeper.keep([(uri, 5_000)])
    try await until { keeper.keys[uri]?.count == 1 }
    issuer.page.withLock { $0 = Issuer.document(2) }
    try await until { keeper.keys[uri]?.count == 2 }
    // Broken answers, and none: the last good keys stay.
    for page in [Page(text: "{}"), Page(status: 500, text: "{\"keys\":[]}")] {
      issuer.page.withLock { $0 = page }
      let before = faults.withLock(\.count)
      try await until { faults.withLock(\.count) > before + 2 }
      #expect(keeper.keys[uri]?.count == 2)
    }
    #expect(faults.withLock { $0.contains { $0.contains("the answer is 500") } })
    issuer.page.withLock { $0 = Issuer.document(3) }
    try await until { seen.withLock { $0.last == 3 } }
    keeper.keep([])
    #expect(keeper.keys[uri] == nil && seen.withLock { $0.last == 0 })
    // Nobody asks any more.
    let asked = issuer.asked.load(ordering: .relaxed)
    try await thread.sleep(for: .milliseconds(100))
    #expect(issuer.asked.load(ordering: .relaxed) <= asked + 1)
    #expect(keeper.keys[uri] == nil)
  }

  @Test("keys that are too old are none")
  func tooOldIsNone() async throws {
    let issuer = Issuer()
    let server = try serve(issuer)
    Task(executorPreference: thread) { await server.run() }
    defer { server.close() }
    let uri = "http://\(server.address)/keys"
    var times = Self.quick
    times.maximumAge = .milliseconds(100)
    issuer.page.withLock { $0 = Issuer.document(1) }
    let faults = Mutex<[String]>([])
    let keeper = keeper(times, report: { fault in faults.withLock { $0.append(fault) } })
    keeper.keep([(uri, 5_000)])
    try await until { keeper.keys[uri] != nil }
    issuer.page.withLock { $0 = Page(status: 503, text: "") }
    try await until { keeper.keys[uri] == nil }
    #expect(faults.withLock { $0.last?.contains("its tokens are refused") == true })
    issuer.page.withLock { $0 = Issuer.document(1) }
    try await until { keeper.keys[uri] != nil }
  }

  @Test("what cannot be reached is tried again, and says so without its query")
  func unreachable() async throws {
    let faults = Mutex<[String]>([])
    let keeper = keeper(report: { fault in faults.withLock { $0.append(fault) } })
    keeper.keep([("http://127.0.0.1:1/keys?secret", 5_000), ("https://127.0.0.1:1/keys?secret", 5_000)])
    try await until { faults.withLock(\.count) > 5 }
    #expect(faults.withLock { $0.allSatisfy { !$0.contains("secret") } })
    #expect(keeper.keys["http://127.0.0.1:1/keys?secret"] == nil)
  }
}
