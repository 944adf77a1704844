import Bytes
import H2Engine
import HTTPModel
import MeshModel
import Reactor
import TLSEngine
import Testing

@testable import Proxying

/// What ends with a certificate, what with a root, and what does not.
@Suite(
  .serialized, .timeLimit(.minutes(1)), .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct CertificateLifeTests {
  static func wall() -> Int64 { Clock.wall() / 1_000_000_000 }

  /// Waits until a certificate of this lifetime, made before the call, has ended.
  private func outlive(_ seconds: Int64, _ pods: TwoPods) async throws {
    let end = Self.wall() + seconds
    while Self.wall() <= end { try await pods.thread.sleep(for: .milliseconds(50)) }
  }

  private func openStream(_ pods: TwoPods) async throws -> (client: AsyncSocket, server: AsyncSocket) {
    let client = try await pods.dial()
    try await client.send([1])
    let (server, _) = try await pods.accept()
    #expect(try await server.receive() == [1])
    return (client, server)
  }

  private func refuseNewcomer(_ pods: TwoPods) async {
    await #expect(throws: SystemError.self) {
      let late = try await pods.dial()
      try await late.send([9])
      _ = try await late.receive()
    }
  }

  private func exchange(_ one: AsyncSocket, _ other: AsyncSocket) async throws {
    try await one.send([2])
    #expect(try await other.receive() == [2])
    try await other.send([3])
    #expect(try await one.receive() == [3])
  }

  @Test("a stream outlives its certificate; new ones are refused with the reason, until there is another")
  func aStreamOutlivesItsCertificate() async throws {
    let pods = try await TwoPods()
    try pods.publishCredentials(pods.clientIdentity, to: pods.clientWorker, generation: 2, lifetime: 2)
    let (client, server) = try await openStream(pods)
    try await outlive(2, pods)
    await refuseNewcomer(pods)
    let record = try await pods.record { $0.direction == .outbound }
    #expect(record.refusal == Refusal(.certificateExpired(.source), byPeer: false))
    try await exchange(client, server)

    try pods.publishCredentials(pods.clientIdentity, to: pods.clientWorker, generation: 3)
    _ = try await openStream(pods)
    try await exchange(client, server)
    let tunnels = await pods.clientWorker.tunnels()
    #expect(tunnels.count == 2 && tunnels.filter(\.isDraining).map(\.streams) == [1])
    #expect(Set(tunnels.map(\.ownSerial)).count == 2)
  }

  @Test("an open tunnel to a server whose certificate has ended takes no new streams; both ends say whose")
  func aServersCertificateEnds() async throws {
    let pods = try await TwoPods()
    try pods.publishCredentials(pods.serverIdentity, to: pods.serverWorker, generation: 2, lifetime: 2)
    let (client, server) = try await openStream(pods)
    try await outlive(2, pods)
    await refuseNewcomer(pods)
    var byDirection: [ConnectionRecord.Direction: ConnectionRecord] = [:]
    _ = try await pods.record {
      byDirection[$0.direction] = $0
      return byDirection.count == 2
    }
    let reason = RefusalReason.certificateExpired(.destination)
    #expect(byDirection[.outbound]?.refusal == Refusal(reason, byPeer: false))
    #expect(byDirection[.inbound]?.refusal == Refusal(reason, byPeer: true))
    try await exchange(client, server)
  }

  @Test("a peer whose certificate ends on its open tunnel is told so for every new stream")
  func aPeersCertificateEnds() async throws {
    let pods = try await TwoPods()
    let credentials = try pods.issuer.makeCredentials(
      identity: pods.clientIdentity, lifetime: 2, now: Self.wall())
    let (peer, server, stream) = try await foreignStream(pods, credentials, pods.issuer.bundle)
    try await outlive(2, pods)

    let late = try peer.connect(to: "\(pods.serverAddress):\(pods.port)")
    let answer = try await peer.answer(to: late)
    #expect(answer.first(":status") == "503")
    #expect(answer.first("x-apus-reason") == "source-certificate-expired")
    peer.bodies[stream] = [.bytes]
    peer.resume(stream)
    try await peer.flush()
    #expect(try await server.receive() == [42])
  }

  @Test("a root that is taken away ends the live tunnels of those who came by it, and of nobody else")
  func aRootIsTakenAway() async throws {
    let pods = try await TwoPods()
    let next = try CertificateIssuer(trustDomain: .clusterLocal, now: Self.wall())
    let both = try TrustBundle(pods.issuer.bundle.certificates + next.bundle.certificates)
    try pods.publishCredentials(
      pods.clientIdentity, to: pods.clientWorker, generation: 2, issuer: next, roots: both)
    try pods.publishCredentials(
      pods.serverIdentity, to: pods.serverWorker, generation: 2, issuer: next, roots: both)
    let credentials = try pods.issuer.makeCredentials(
      identity: pods.clientIdentity, lifetime: 3600, now: Self.wall())
    let (peer, old, stream) = try await foreignStream(pods, credentials, both)
    let (client, server) = try await openStream(pods)

    // Another certificate alone changes nothing for either.
    try pods.publishCredentials(
      pods.serverIdentity, to: pods.serverWorker, generation: 3, issuer: next, roots: both)
    peer.bodies[stream] = [.bytes]
    peer.resume(stream)
    try await peer.flush()
    #expect(try await old.receive() == [42])

    try pods.publishCredentials(
      pods.serverIdentity, to: pods.serverWorker, generation: 4, issuer: next, roots: next.bundle)
    await #expect(throws: SystemError.self) { _ = try await old.receive() }
    let record = try await pods.record { $0.direction == .inbound }
    #expect(record.refusal == Refusal(.certificateUntrusted(.source), byPeer: false))
    try await exchange(client, server)
    await #expect(throws: (any Error).self) {
      _ = try await foreignStream(pods, credentials, both)
    }
  }

  @Test("a foreign mesh that is not trusted any more loses its live tunnels, and nobody else does")
  func aForeignMeshIsWithdrawn() async throws {
    let pods = try await TwoPods()
    let theirs = try CertificateIssuer(trustDomain: .clusterLocal, now: Self.wall())
    let partner = try TrustDomain("partner.example")
    func publish(_ generation: UInt64, _ foreign: [TrustDomain: TrustBundle]) throws {
      try pods.publishCredentials(
        pods.serverIdentity, to: pods.serverWorker, generation: generation, foreign: foreign)
    }
    try publish(2, [partner: theirs.bundle])
    let buyer = try Identity(trustDomain: partner, namespace: "abroad", serviceAccount: "buyer")
    let credentials = try theirs.makeCredentials(identity: buyer, lifetime: 3600, now: Self.wall())
    let (peer, old, stream) = try await foreignStream(pods, credentials, pods.issuer.bundle)
    let (client, server) = try await openStream(pods)

    // Other roots besides change nothing for those who came by one that stays.
    let more = try CertificateIssuer(trustDomain: .clusterLocal, now: Self.wall())
    try publish(3, [partner: TrustBundle(more.bundle.certificates + theirs.bundle.certificates)])
    peer.bodies[stream] = [.bytes]
    peer.resume(stream)
    try await peer.flush()
    #expect(try await old.receive() == [42])

    try publish(4, [:])
    await #expect(throws: SystemError.self) { _ = try await old.receive() }
    let record = try await pods.record { $0.direction == .inbound }
    #expect(record.refusal == Refusal(.certificateUntrusted(.source), byPeer: false))
    try await exchange(client, server)
    await #expect(throws: (any Error).self) {
      _ = try await foreignStream(pods, credentials, pods.issuer.bundle)
    }
  }

  @Test("the side that dialed ends its tunnels too when it loses the root of their server")
  func theDialersRootIsTakenAway() async throws {
    let pods = try await TwoPods()
    let (client, server) = try await openStream(pods)
    let next = try CertificateIssuer(trustDomain: .clusterLocal, now: Self.wall())
    // Drained first: a tunnel that has left the pool is judged too.
    try pods.publishCredentials(pods.clientIdentity, to: pods.clientWorker, generation: 2)
    try await exchange(client, server)
    try pods.publishCredentials(
      pods.clientIdentity, to: pods.clientWorker, generation: 3, roots: next.bundle)
    await #expect(throws: SystemError.self) { _ = try await client.receive() }
    let record = try await pods.record { $0.direction == .outbound }
    #expect(record.refusal == Refusal(.certificateUntrusted(.destination), byPeer: false))
    let report = await pods.clientWorker.tunnels()
    #expect(report.isEmpty)
  }

  /// A stream of a hand-made peer to the server's application.
  private func foreignStream(
    _ pods: TwoPods, _ credentials: Credentials, _ roots: TrustBundle
  ) async throws -> (ForeignPeer, AsyncSocket, Int32) {
    let peer = try await ForeignPeer(
      to: SocketAddress(pods.serverAddress, MeshPort.hbone),
      try .client(credentials: credentials, roots: roots), expecting: pods.serverIdentity, on: pods.thread)
    let stream = try peer.connect(to: "\(pods.serverAddress):\(pods.port)")
    #expect(try await peer.answer(to: stream).first(":status") == "200")
    return (peer, try await pods.accept().connection, stream)
  }
}

/// A refusal in a record, to compare with.
private struct Refusal: Equatable {
  let reason: RefusalReason
  let byPeer: Bool

  init(_ reason: RefusalReason, byPeer: Bool) {
    self.reason = reason
    self.byPeer = byPeer
  }
}

extension ConnectionRecord {
  fileprivate var refusal: Refusal? {
    if case .refused(let reason, let byPeer) = outcome { Refusal(reason, byPeer: byPeer) } else { nil }
  }
}
