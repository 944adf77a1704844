import Bytes
import MeshModel
import Reactor
import Testing

@testable import Proxying

/// What AUDIT policies and dry runs say is in the record of either way in; and connections that live can be
/// asked for.
@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct RemarkTests {
  private func policy(
    _ name: String, _ action: Authorization.Action, isDryRun: Bool = false
  ) -> Authorization {
    var match = Authorization.Match()
    match.namespaces = [.exact("a")]
    if action == .audit { match = .init() }
    return Authorization(
      name: name, namespace: "b", scope: .namespace, action: action,
      rules: [.init(clauses: action == .audit ? [] : [.init(matches: [match])])], isDryRun: isDryRun)
  }

  @Test func aTunnelledConnectionIsMarkedAndCountedWhileItLives() async throws {
    let pods = try await TwoPods()
    let serving = pods.serveEchoes()
    defer { serving.cancel() }
    pods.publish(
      endpoints: [pods.serverAddress],
      policies: [policy("watched", .audit), policy("no-a", .deny, isDryRun: true)])
    let client = try await pods.dial()
    try await client.send([1])
    _ = try await client.receive()

    let live = await pods.serverWorker.flows().flows
    #expect(live.map(\.allowed) == [1] && live.map(\.denied) == [0])
    let key = try #require(live.first?.key)
    #expect(key.source == .init(identity: pods.clientIdentity, workload: "a/client"))
    #expect(key.destination == .init(identity: pods.serverIdentity, workload: "b/server"))
    #expect(key.port == pods.port && key.isMutualTLS && key.strangerAddress == nil)
    #expect(await pods.clientWorker.flows().flows.isEmpty)

    client.close()
    let record = try await pods.record { $0.direction == .inbound }
    #expect(record.remarks?.audits == ["b/watched"])
    #expect(record.remarks?.dryRuns == [.deny("b/no-a")])
    #expect(record.decision == .allowed)
    #expect(
      Flow.Key(source: record.source, destination: record.destination, isMutualTLS: record.isMutualTLS) == key
    )
    #expect(await pods.serverWorker.flows().flows.isEmpty)
  }

  @Test func aConnectionInPlaintextIsMarked() async throws {
    let pods = try await TwoPods()
    let listener = try Socket.listener(on: SocketAddress(pods.spareAddress, 0))
    let address = try listener.localAddress()
    var plaintext = Authorization.Match()
    plaintext.notPrincipals = [.presence]
    let strict = Authorization(
      name: "strict", namespace: "b", scope: .namespace, action: .deny,
      rules: [.init(clauses: [.init(matches: [plaintext])])])
    pods.publish(endpoints: [pods.spareAddress], policies: [policy("watched", .audit), strict])
    let name = "server-\(pods.spareAddress)"
    let failure = await pods.serverWorker.enroll(
      PodFacts(
        uid: "plain", name: name, namespace: "b", identity: pods.serverIdentity,
        addresses: [pods.spareAddress],
        sockets: PodSockets(namespace: try .current(), listening: [.init(.plaintext, listener)])))
    #expect(failure == nil)
    // It is refused at once, which the client may hear of before it is told that it is connected.
    let client = try? await AsyncSocket.connect(to: address, on: pods.thread)
    let record = try await pods.record { $0.direction == .inbound }
    #expect(record.remarks?.audits == ["b/watched"])
    #expect(record.decision == .denied(.policy("b/strict")))
    #expect(!record.isMutualTLS && record.destination.workload == name)
    client?.close()
  }
}
