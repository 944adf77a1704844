import TestSupport
import MeshAPI
import MeshCodec
import MeshModel
import Publication
import RPC
import Subscription
import SwiftProtobuf
import Testing
import Transport

@Suite("Discovery over real sockets and TLS", .timeLimit(.minutes(1)))
struct PublisherTests {
  let server: DiscoveryServer

  init() throws { server = try DiscoveryServer() }

  @Test(
    "nobody without a known token gets a stream, and the log never shows a token",
    arguments: [nil, "wrong-token"])
  func unauthenticated(token: String?) async throws {
    try server.publisher.publish([service("a")])
    let stream = try await server.open(token: token)
    let failure = await #expect(throws: RPCStatus.self) { try await stream.receive() }
    #expect(failure?.code == .unauthenticated)
    #expect(failure?.message.contains("bearer token") == true)
    #expect(server.publisher.figures.refusals == 1)
    #expect(server.catcher.lines.contains { $0.hasPrefix("warning subscriber refused") })
    #expect(!server.catcher.lines.contains { $0.contains("wrong-token") })
    await server.close()
  }

  @Test("before the first publication a subscriber is told nothing, not an empty mesh")
  func silence() async throws {
    let follower = try await Follower(server.open())
    try server.publisher.publish([policy("p")])
    let response = try await follower.next()
    #expect(response?.typeURL == TypeURL.authorization)
    #expect(response?.resources.map(\.name) == ["n/p"])
    await server.close()
  }

  @Test("every subscriber gets every publication")
  func all() async throws {
    try server.publisher.publish([service("a")])
    var one = try await Follower(server.open())
    var two = try await Follower(server.open(token: "token-of-node-2"))
    #expect(try await one.follow { $0.mind.isSynced } == 1)
    #expect(try await two.follow { $0.mind.isSynced } == 1)
    try server.publisher.publish([service("a"), service("b"), policy("p")])
    #expect(try await one.follow { $0.state.count == 3 } == 2)
    #expect(try await two.follow { $0.state.count == 3 } == 2)
    #expect(server.publisher.figures.subscribers == 2)
    #expect(server.publisher.figures.generation == 2)
    await server.close()
  }

  @Test("a reconnect with versions is sent only what changed and what went")
  func reconnect() async throws {
    try server.publisher.publish([service("a"), service("b"), service("c"), policy("p")])
    var first = try await Follower(server.open())
    #expect(try await first.follow { $0.state.count == 4 } == 4)
    await first.stream.cancel()
    try server.publisher.publish([service("a"), service("b", "10.96.0.9"), policy("p")])
    var second = try await Follower(server.open(), mind: first.mind)
    second.state = first.state
    let sent = try await second.follow { follower in
      follower.state[service("c").key] == nil
        && follower.state[service("b").key] == service("b", "10.96.0.9")
    }
    #expect(sent == 2)
    await server.close()
  }

  @Test("what a subscriber refuses is logged with its node and reason, and later changes still arrive")
  func refusal() async throws {
    try server.publisher.publish([service("a")])
    var follower = try await Follower(server.open())
    let first = try #require(try await follower.next())
    try await follower.stream.send(
      Envoy_Service_Discovery_V3_DeltaDiscoveryRequest.with {
        $0.typeURL = first.typeURL
        $0.responseNonce = first.nonce
        $0.errorDetail.message = "n/a: I do not like it"
      }.serializedBytes())
    try server.publisher.publish([service("a", "10.96.0.7")])
    _ = try await follower.follow { !$0.state.isEmpty }
    #expect(
      server.catcher.lines.contains {
        $0.contains("refuses") && $0.contains("node=node-1") && $0.contains("n/a: I do not like it")
      })
    #expect(server.publisher.figures.rejections == 1)
    await server.close()
  }

  @Test("a subscriber that does not answer costs one response; then it gets the newest state alone")
  func slow() async throws {
    try server.publisher.publish([policy("p", .deny)])
    var follower = try await Follower(server.open())
    let first = try #require(try await follower.next())
    for index in 0..<50 {
      try server.publisher.publish([policy("p", index == 49 ? .allow : .deny), policy("q\(index)")])
    }
    #expect(server.publisher.figures.sent == 1)
    _ = try await follower.take(first)
    let second = try #require(try await follower.next())
    #expect(second.resources.map(\.name).sorted() == ["n/p", "n/q49"])
    #expect(server.publisher.figures.sent == 2)
    await server.close()
  }

  @Test("the same mesh again is no publication")
  func unchanged() throws {
    try server.publisher.publish([service("a"), policy("p")])
    try server.publisher.publish([policy("p"), service("a")])
    #expect(server.publisher.figures.generation == 1)
    try server.publisher.publish([service("a")])
    #expect(server.publisher.figures.generation == 2)
    #expect(server.publisher.figures.resources == 1)
  }

  @Test("a node's streams are bounded, and another node's are not concerned")
  func streamLimit() async throws {
    try server.publisher.publish([service("a")])
    let client = try await server.connect()
    var streams: [Follower] = []
    for _ in 0..<Publisher.maximumStreamsPerNode {
      var follower = try await Follower(
        client.open(MethodPath.deltaDiscovery, token: DiscoveryServer.token))
      _ = try await follower.follow { $0.mind.isSynced }
      streams.append(follower)
    }
    let more = try await client.open(MethodPath.deltaDiscovery, token: DiscoveryServer.token)
    let failure = await #expect(throws: RPCStatus.self) { try await more.receive() }
    #expect(failure?.code == .resourceExhausted)
    var other = try await Follower(client.open(MethodPath.deltaDiscovery, token: "token-of-node-2"))
    _ = try await other.follow { $0.mind.isSynced }
    #expect(server.publisher.figures.subscribers == streams.count + 1)
    await server.close()
  }

  @Test("a token that is withdrawn ends its node's streams and no others")
  func withdrawn() async throws {
    try server.publisher.publish([service("a")])
    var one = try await Follower(server.open())
    var two = try await Follower(server.open(token: "token-of-node-2"))
    _ = try await one.follow { $0.mind.isSynced }
    _ = try await two.follow { $0.mind.isSynced }
    server.nodes.forget(DiscoveryServer.token)
    await server.publisher.reauthenticate()
    let ended = one.stream
    await #expect(throws: RPCStatus.self) { try await ended.receive() }
    try server.publisher.publish([service("a"), service("b")])
    #expect(try await two.follow { $0.state.count == 2 } == 1)
    await server.close()
  }

  @Test("what is no request ends the stream with a reason")
  func nonsense() async throws {
    let stream = try await server.open()
    try await stream.send([0xff, 0xff, 0xff])
    await #expect(throws: RPCStatus(.invalidArgument, "not a DeltaDiscoveryRequest")) {
      try await stream.receive()
    }
    await server.close()
  }
}
