import Bytes
import H2Engine
import HTTPModel
import MeshModel
import Reactor
import Testing

@testable import Proxying

/// What is refused is over at once, at both ends.
@Suite(
  .serialized, .timeLimit(.minutes(2)),
  .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct RefusalTests {
  @Test func nothingOfARefusedConnectionLingers() async throws {
    let pods = try await TwoPods()
    let nobody = Authorization(name: "nobody", namespace: "b", scope: .namespace, action: .allow, rules: [])
    pods.publish(endpoints: [pods.serverAddress], policies: [nobody])
    for _ in 0..<10 {
      await #expect(throws: SystemError.self) {
        let client = try await pods.dial()
        try await client.send([1])
        _ = try await client.receive()
      }
    }
    for worker in [pods.clientWorker, pods.serverWorker] {
      try await pods.wait(for: worker) { $0.connections == 0 && $0.streams == 0 && $0.waiting == 0 }
    }
    #expect(await pods.clientWorker.report().clientTunnels == 1)
  }

  /// A peer that is refused and does not end its own side keeps no stream either.
  @Test func aRefusedPeerNeedNotEndItsSide() async throws {
    let pods = try await TwoPods()
    let peer = try await ForeignPeer(calling: pods)
    let stream = try peer.connect(to: "\(pods.serverAddress):\(MeshPort.hbone)")
    try await peer.wait(for: {
      if case .headers(stream, let fields, _) = $0 { fields.first(":status") == "503" } else { false }
    })
    try await peer.wait(for: {
      if case .streamClosed(stream, .noError) = $0 { true } else { false }
    })
    try await pods.wait(for: pods.serverWorker) { $0.streams == 0 }
  }

  /// An identity that is no longer held serves nobody, and its peers wait until it is again.
  @Test func aForgottenIdentityStopsServing() async throws {
    let pods = try await TwoPods()
    let client = try await pods.dial()
    try await client.send([1])
    let (server, _) = try await pods.accept()
    #expect(try await server.receive() == [1])
    pods.serverWorker.forget(pods.serverIdentity)
    await #expect(throws: SystemError.self) { _ = try await client.receive() }
    try await pods.wait(for: pods.serverWorker) { $0.servedTunnels == 0 && $0.connections == 0 }

    let early = try await pods.dial()
    try await early.send([2])
    try await pods.wait(for: pods.clientWorker) { $0.clientTunnels == 1 }
    #expect(await pods.serverWorker.report().handshakes == 0)
    try pods.publishCredentials(pods.serverIdentity, to: pods.serverWorker, generation: 2)
    let (again, _) = try await pods.accept()
    #expect(try await again.receive() == [2])
  }
}
