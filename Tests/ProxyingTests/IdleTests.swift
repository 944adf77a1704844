import Bytes
import H2Engine
import HBONE
import MeshModel
import Reactor
import Testing

@testable import Proxying

/// Tunnels that carry nothing, and tunnels whose peer is there no more.
@Suite(
  .serialized, .timeLimit(.minutes(2)),
  .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct IdleTests {
  private static let never = Interval.seconds(3600)

  private func times(_ change: (inout TunnelTimes) -> Void) -> TunnelTimes {
    var times = TunnelTimes()
    times.pingAfter = .milliseconds(20)
    // Also how often an idle tunnel is looked at, once it was pinged.
    times.silenceKills = .seconds(1)
    times.idleDialed = Self.never
    times.idleServed = Self.never
    change(&times)
    return times
  }

  @Test func dialersCloseFirst() { #expect(HBONETimes.idleSession < HBONETimes.idleServedSession) }

  @Test func anIdleTunnelIsClosedByWhoDialedIt() async throws {
    let pods = try await TwoPods(times: times { $0.idleDialed = .milliseconds(100) })
    try await exchange(pods)
    for worker in [pods.clientWorker, pods.serverWorker] {
      try await pods.wait(for: worker) { $0.clientTunnels == 0 && $0.servedTunnels == 0 }
    }
    try await exchange(pods)
  }

  @Test func anIdleTunnelThatIsServedIsToldToEnd() async throws {
    let pods = try await TwoPods(times: times { $0.idleServed = .milliseconds(100) })
    try await exchange(pods)
    for worker in [pods.clientWorker, pods.serverWorker] {
      try await pods.wait(for: worker) { $0.clientTunnels == 0 && $0.servedTunnels == 0 }
    }
    try await exchange(pods)
  }

  /// A peer that does not do as it is told is closed.
  @Test func anIdlePeerThatStaysIsClosed() async throws {
    let pods = try await TwoPods(
      times: times {
        $0.idleServed = .milliseconds(100)
        $0.idleGrace = .milliseconds(50)
      })
    let peer = try await ForeignPeer(calling: pods)
    try await peer.wait(for: { if case .goaway = $0 { true } else { false } })
    await peer.waitForTheEnd()
    try await pods.wait(for: pods.serverWorker) { $0.servedTunnels == 0 }
  }

  @Test func aSilentPeerIsGivenUpByTheServer() async throws {
    let pods = try await TwoPods(times: times { $0.silenceKills = .milliseconds(100) })
    let peer = try await ForeignPeer(calling: pods)
    let stream = try peer.connect(to: "\(pods.serverAddress):\(pods.port)")
    try await peer.flush()
    let (server, _) = try await pods.accept()
    // It answers no PING from here on, though its socket is open.
    await #expect(throws: SystemError.self) { _ = try await server.receive() }
    try await pods.wait(for: pods.serverWorker) { $0.servedTunnels == 0 && $0.connections == 0 }
    #expect(stream == 1)
    peer.close()
  }

  @Test func aSilentPeerIsGivenUpByTheDialer() async throws {
    let pods = try await TwoPods(times: times { $0.silenceKills = .milliseconds(100) })
    let listener = try AsyncSocket(
      .listener(on: SocketAddress(pods.spareAddress, MeshPort.hbone)), on: pods.thread)
    pods.publish(endpoints: [pods.spareAddress])
    let settings = try pods.credentials(of: pods.serverIdentity).server
    let serving = Task {
      let peer = try await ForeignPeer(serving: listener, settings)
      let stream = try await peer.request()
      peer.bodies[stream] = [.bytes]
      try await peer.answer(stream)
      try? await pods.thread.sleep(for: Self.never)
      peer.close()
    }
    let client = try await pods.dial()
    #expect(try await client.receive() == [42])
    await #expect(throws: SystemError.self) { _ = try await client.receive() }
    try await pods.wait(for: pods.clientWorker) { $0.clientTunnels == 0 && $0.connections == 0 }
    serving.cancel()
    try await serving.value
  }

  private func exchange(_ pods: TwoPods) async throws {
    let client = try await pods.dial()
    try await client.send([1])
    let (server, _) = try await pods.accept()
    #expect(try await server.receive() == [1])
    client.close()
    server.close()
  }
}
