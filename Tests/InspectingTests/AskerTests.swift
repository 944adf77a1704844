import Logging
import MeshCodec
import MeshModel
import Reactor
import Testing
import Transport

@testable import Inspecting

@Suite struct AskerTests {
  /// Serves pages on the loopback address until it goes away.
  private final class Server: Sendable {
    let server: PageServer
    let place: Place

    init(_ name: String, _ pages: [String: PageServer.Maker]) throws {
      let thread = try ReactorThread(name: "pages")
      server = try PageServer(
        on: try #require(SocketAddress("127.0.0.1:0")), pages: pages, thread: thread,
        log: Logger(label: "pages") { _ in SwiftLogNoOpLogHandler() })
      var place = try Place(.agent, url: "http://\(server.address)")
      place.name = name
      self.place = place
      let server = server
      Task(executorPreference: thread) { await server.run() }
    }

    deinit { server.close() }
  }

  private static let mesh = MeshDump(
    trustDomains: [.clusterLocal],
    resources: [
      .authorization(Authorization(name: "p", namespace: "n", scope: .global, action: .deny, rules: []))
    ])

  @Test func whoIsSilentIsNamedAndTheOthersAnswer() async throws {
    let dump = Page(text: AgentDumpTests.page, contentType: "application/json")
    let one = try Server("node-1", ["/config_dump": { _ in dump }])
    let other = try Server("node-2", ["/config_dump": { _ in Page(status: 503, text: "not yet\nno\n") }])
    // Nobody listens there any more.
    let gone = try Server("node-3", [:])
    gone.server.close()
    let answers = await Asker([one.place, other.place, gone.place]).ask {
      (agent) async throws(AskingError) in try await agent.dump()
    }
    #expect(answers.told.map(\.place.name) == ["node-1"])
    #expect(answers.told.first?.value.certificates?.count == 2)
    let silent = answers.unreachable
    #expect(silent.map(\.name) == ["node-2", "node-3"])
    #expect(silent[0].description == "node-2 does not tell: /config_dump answers with status 503: not yet")
    #expect(silent[1].description.hasPrefix("node-3 does not tell: nothing answers at http://127.0.0.1:"))
    withExtendedLifetime((one, other)) {}
  }

  @Test func theMeshIsReadFromItsPage() async throws {
    let bytes = try Self.mesh.encoded()
    let agent = try Server(
      "node-1", ["/debug/mesh": { _ in Page(contentType: MeshDump.contentType, body: bytes) }])
    let stranger = try Server("node-2", ["/debug/mesh": { _ in Page(text: "hello\n") }])
    let answers = await Asker([agent.place, stranger.place]).ask {
      (agent) async throws(AskingError) in try await agent.mesh()
    }
    #expect(answers.told.map(\.value) == [Self.mesh])
    #expect(answers.unreachable.first?.reason == "what answers is no agent that tells of its mesh")
    withExtendedLifetime((agent, stranger)) {}
  }

  @Test func aNamespaceThatIsGoneIsAReason() async throws {
    var place = try Place(.agent, url: "http://127.0.0.1:1")
    place.network = "/run/netns/none-such"
    let answers = await Asker([place]).ask { (agent) async throws(AskingError) in try await agent.dump() }
    #expect(answers.unreachable.first?.reason.contains("/run/netns/none-such cannot be entered") == true)
  }

  @Test func logLevelsAreReadAsTheEcosystemWritesThem() async throws {
    let agent = try Server(
      "node-1", ["/logging": { _ in Page(text: "current log level is info,access=warning\n") }])
    let stranger = try Server("node-2", ["/logging": { _ in Page(text: "hello\n") }])
    let answers = await Asker([agent.place, stranger.place]).ask {
      (agent) async throws(AskingError) in try await agent.logLevels()
    }
    #expect(
      LogLevelListing.make(answers.told).table(isWide: true).squeezed == [
        "COMPONENT|LEVELS", "node-1|info,access=warning",
      ])
    #expect(answers.unreachable.map(\.name) == ["node-2"])
    withExtendedLifetime((agent, stranger)) {}
  }

  @Test(arguments: ["https://a:1", "http://a:1/config_dump", "a:1", "http://"])
  func whatIsNoAddressOfAnAgentIsRefused(_ url: String) {
    #expect(throws: (any Error).self) { try Place(.agent, url: url) }
  }
}
