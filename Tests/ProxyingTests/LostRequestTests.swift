import Bytes
import H2Engine
import MeshModel
import Reactor
import TLSEngine
import Testing

@testable import Proxying

/// Requests that nobody has acted on: a tunnel dies with them, or its peer takes no more. They are asked once
/// more on another tunnel, before the endpoint is blamed.
@Suite(
  .serialized, .timeLimit(.minutes(2)),
  .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct LostRequestTests {
  enum Loss: CaseIterable { case tunnelClosed, streamRefused, goodbye }

  /// A server's agent that is not ours, on an address of its own; it is the only endpoint.
  private func makeListener(_ pods: TwoPods) throws -> (AsyncSocket, TLSSettings) {
    let listener = try AsyncSocket(
      .listener(on: SocketAddress(pods.spareAddress, MeshPort.hbone)), on: pods.thread)
    pods.publish(endpoints: [pods.spareAddress])
    return (listener, try pods.credentials(of: pods.serverIdentity).server)
  }

  private func lose(_ stream: Int32, _ peer: ForeignPeer, _ loss: Loss) async throws {
    switch loss {
    case .tunnelClosed: peer.close()
    case .streamRefused:
      peer.reset(stream, .refusedStream)
      try await peer.flush()
    case .goodbye: try await peer.takeNoStream()
    }
  }

  @Test(arguments: Loss.allCases) func aRequestLostOnItsFirstTunnelIsAskedAgain(_ loss: Loss) async throws {
    let pods = try await TwoPods()
    let (listener, settings) = try makeListener(pods)
    let serving = Task {
      let first = try await ForeignPeer(serving: listener, settings)
      try await lose(try await first.request(), first, loss)
      let second = try await ForeignPeer(serving: listener, settings)
      let stream = try await second.request()
      second.bodies[stream] = [.bytes]
      try await second.answer(stream)
      await second.waitForTheEnd()
    }
    let client = try await pods.dial()
    #expect(try await client.receive() == [42])
    client.close()
    await pods.clientWorker.withdraw(uid: "client")
    _ = try await serving.value
  }

  /// As when a peer's agent is killed and another takes its place.
  @Test func aPooledTunnelThatDiesAtTheRequestCostsNothing() async throws {
    let pods = try await TwoPods()
    let (listener, settings) = try makeListener(pods)
    let serving = Task {
      let first = try await ForeignPeer(serving: listener, settings)
      let stream = try await first.request()
      first.bodies[stream] = [.bytes]
      try await first.answer(stream)
      _ = try await first.request(2)
      first.close()
      let second = try await ForeignPeer(serving: listener, settings)
      let again = try await second.request()
      second.bodies[again] = [.bytes]
      try await second.answer(again)
      await second.waitForTheEnd()
    }
    let opened = try await pods.dial()
    #expect(try await opened.receive() == [42])
    let asking = try await pods.dial()
    #expect(try await asking.receive() == [42])
    // What flowed on the tunnel that died cannot be saved.
    await #expect(throws: SystemError.self) { _ = try await opened.receive() }
    await pods.clientWorker.withdraw(uid: "client")
    _ = try await serving.value
  }

  /// Once: a peer that always loses its requests is not asked for ever.
  @Test func aPeerThatLosesEveryRequestIsAskedTwice() async throws {
    let pods = try await TwoPods()
    let (listener, settings) = try makeListener(pods)
    let serving = Task {
      var tunnels = 0
      while let peer = try? await ForeignPeer(serving: listener, settings) {
        tunnels += 1
        _ = try await peer.request()
        peer.close()
      }
      return tunnels
    }
    let client = try await pods.dial()
    await #expect(throws: SystemError.self) { _ = try await client.receive() }
    let record = try await pods.record { $0.direction == .outbound }
    guard case .failed = record.outcome else {
      Issue.record("\(record.outcome)")
      return
    }
    listener.close()
    #expect(try await serving.value == 2)
  }
}
