import Bytes
import H2Engine
import HBONE
import HTTPModel
import MeshIndex
import MeshModel
import Reactor
import TLSEngine
import Testing

@testable import Proxying

/// A pod behind a waypoint, as the agents on both sides see it. The waypoint itself is played by a peer made
/// of the engines alone.
@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct WaypointTests {
  static let service = ServiceKey(namespace: "b", hostname: "server-waypoint.b.svc.cluster.local")
  static let identity = try! Identity(spiffe: "spiffe://cluster.local/ns/b/sa/server-waypoint")

  /// Puts the server behind a waypoint; `at`: where waypoints run.
  private func bind(_ pods: TwoPods, at addresses: [IPAddress] = []) {
    pods.publish(
      endpoints: [pods.serverAddress],
      waypoint: TwoPods.Waypoint(service: Self.service, identity: Self.identity, addresses: addresses))
  }

  /// A peer with a tunnel to the server's pod.
  private func peer(_ identity: Identity, of pods: TwoPods) async throws -> ForeignPeer {
    let credentials = try pods.issuer.makeCredentials(
      identity: identity, lifetime: 3600, now: Clock.wall() / 1_000_000_000)
    return try await ForeignPeer(
      to: SocketAddress(pods.serverAddress, MeshPort.hbone),
      .client(credentials: credentials, trust: TrustStore(pods.issuer.bundle, home: .clusterLocal)),
      expecting: pods.serverIdentity, on: pods.thread)
  }

  private func answer(_ peer: ForeignPeer, _ stream: Int32) async throws -> [Field] {
    try await peer.wait { if case .headers(stream, _, _) = $0 { true } else { false } }
    return peer.events.list.lazy.compactMap { event -> [Field]? in
      if case .headers(stream, let fields, _) = event { fields } else { nil }
    }.first ?? []
  }

  @Test func nobodyButTheWaypointReachesAWorkloadBehindIt() async throws {
    let pods = try await TwoPods()
    bind(pods)
    let peer = try await peer(pods.clientIdentity, of: pods)
    // What a waypoint may say makes no waypoint of anybody.
    let stream = try peer.connect(
      to: "\(SocketAddress(pods.serverAddress, pods.port))",
      [Field(HBONEField.source, Self.identity.description)])
    let fields = try await answer(peer, stream)
    #expect(fields.first(":status") == "401")
    #expect(fields.first(HBONEField.reason) == "waypoint-required")
    let record = try await pods.record { $0.direction == .inbound }
    guard case .refused(.waypointRequired, peer: false) = record.outcome else {
      Issue.record("\(record.outcome)")
      return
    }
    #expect(record.source.identity == pods.clientIdentity)
  }

  @Test func theWaypointSpeaksForItsClient() async throws {
    let pods = try await TwoPods()
    bind(pods)
    let peer = try await peer(Self.identity, of: pods)
    let client = SocketAddress(pods.otherAddress, 4711)
    let stream = try peer.connect(
      to: "\(SocketAddress(pods.serverAddress, pods.port))",
      [
        Field(HBONEField.source, pods.clientIdentity.description),
        Field(HBONEField.forwarded, Forwarded(client: client).fieldValue ?? ""),
      ])
    let reaching = Task { try await pods.accept() }
    #expect(try await answer(peer, stream).first(":status") == "200")
    let (application, seen) = try await reaching.value
    #expect(seen?.ip == pods.otherAddress, "the application sees the client's address")
    peer.reset(stream, .cancel)
    try await peer.flush()
    let record = try await pods.record { $0.direction == .inbound }
    #expect(record.source.identity == pods.clientIdentity)
    #expect(record.source.address == client)
    application.close()
  }

  @Test func whoIsNoWaypointSpeaksForNobody() async throws {
    let pods = try await TwoPods()
    let peer = try await peer(pods.clientIdentity, of: pods)
    let stream = try peer.connect(
      to: "\(SocketAddress(pods.serverAddress, pods.port))",
      [
        Field(HBONEField.source, Self.identity.description),
        Field(HBONEField.forwarded, "for=\"\(SocketAddress(pods.otherAddress, 4711))\""),
      ])
    let reaching = Task { try await pods.accept() }
    #expect(try await answer(peer, stream).first(":status") == "200")
    let (application, seen) = try await reaching.value
    #expect(seen?.ip != pods.otherAddress)
    peer.reset(stream, .cancel)
    try await peer.flush()
    let record = try await pods.record { $0.direction == .inbound }
    #expect(record.source.identity == pods.clientIdentity)
    application.close()
  }

  @Test func aLiveConnectionEndsWhenAWaypointIsPutBeforeIt() async throws {
    let pods = try await TwoPods()
    let echoes = pods.serveEchoes()
    defer { echoes.cancel() }
    let client = try await pods.dial()
    try await client.send([1, 2, 3])
    #expect(try await client.receive() == [1, 2, 3])
    bind(pods)
    let record = try await pods.record { $0.direction == .inbound }
    guard case .refused(.waypointRequired, peer: false) = record.outcome else {
      Issue.record("\(record.outcome)")
      return
    }
    client.close()
  }

  @Test func aConnectionIsHeldUntilAWaypointIsThereAndNeverGoesAroundIt() async throws {
    let pods = try await TwoPods()
    bind(pods)
    let client = try await pods.dial()
    try await client.send([7])
    while pods.demands.all.isEmpty { try await pods.thread.sleep(for: .milliseconds(5)) }
    #expect(pods.demands.all == [Self.service])

    // A pod whose application plays the waypoint behind the agent's own listener: what counts is where the
    // tunnel goes, and what it asks for.
    try pods.publishCredentials(Self.identity, to: pods.serverWorker, generation: 1)
    try await pods.enroll("waypoint", "b", Self.identity, pods.spareAddress, on: pods.serverWorker)
    bind(pods, at: [pods.spareAddress])
    // The stand-in refuses: it serves its own address alone. That it was asked at all is the point.
    let record = try await pods.record { $0.direction == .inbound }
    #expect(record.source.identity == pods.clientIdentity)
    guard case .failed(let text, _) = record.outcome else {
      Issue.record("\(record.outcome)")
      return
    }
    #expect(text.contains("\(TwoPods.virtualAddress):80"))
    client.close()
  }
}
