import Bytes
import MeshModel
import Reactor
import Testing

@testable import Proxying

/// Peers that only open connections, and prove nothing.
@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct StrangersTests {
  @Test func openConnectionsLockNobodyOut() async throws {
    let pods = try await TwoPods()
    let serving = pods.serveEchoes()
    // One address takes all it may have; others are served.
    var strangers = try open(Limits.handshakesPerSource + 20, from: 50, pods)
    try await pods.wait(for: pods.serverWorker) {
      $0.handshakes == Limits.handshakesPerSource && $0.turnedAway[.handshakesOfSource] == 20
    }
    try await echo(pods, from: nil)
    // Several addresses take all there is; the oldest make room.
    for source in 0..<(Limits.handshakesPerPod / Limits.handshakesPerSource) {
      strangers += try open(Limits.handshakesPerSource, from: UInt32(51 + source), pods)
    }
    try await pods.wait(for: pods.serverWorker) {
      $0.handshakes == Limits.handshakesPerPod && $0.turnedAway[.handshakes] > 0
    }
    try await pods.enroll("other", "a", pods.clientIdentity, pods.otherAddress, on: pods.clientWorker)
    try await echo(pods, from: pods.otherAddress)
    let report = await pods.serverWorker.report()
    #expect(report.servedTunnels == 2)
    #expect(report.handshakes <= Limits.handshakesPerPod)
    for stranger in strangers { stranger.abort() }
    try await pods.wait(for: pods.serverWorker) { $0.handshakes == 0 }
    serving.cancel()
    pods.application.close()
  }

  private func open(_ count: Int, from source: UInt32, _ pods: TwoPods) throws -> [AsyncSocket] {
    try (0..<count).map { _ in
      let socket = try Socket(.v4)
      let address = IPAddress(v4: UInt32(truncatingIfNeeded: pods.serverAddress.low) + source)
      try socket.bind(to: SocketAddress(address, 0))
      _ = try socket.connect(to: SocketAddress(pods.serverAddress, MeshPort.hbone))
      return try AsyncSocket(socket, on: pods.thread)
    }
  }

  private func echo(_ pods: TwoPods, from address: IPAddress?) async throws {
    let client = try await pods.dial(from: address)
    try await client.send([7])
    #expect(try await client.receive() == [7])
    client.close()
  }

  @Test func theOldestHandshakeIsKnownWhateverEnded() {
    var handshakes = Handshakes()
    let sources = (0..<7).map { IPAddress(v4: 0x0a00_0000 + UInt32($0)) }
    for token in UInt64(1)...1000 { handshakes.begin(token, from: sources[Int(token) % 7]) }
    for token in UInt64(1)...1000 where token % 10 != 0 { handshakes.end(token) }
    #expect(handshakes.count == 100)
    #expect(handshakes.oldest() == 10)
    handshakes.end(10)
    handshakes.end(10)
    handshakes.begin(2000, from: sources[0])
    #expect(handshakes.oldest() == 20)
    #expect(sources.reduce(0) { $0 + handshakes.count(from: $1) } == handshakes.count)
    for token in stride(from: UInt64(20), through: 1000, by: 10) { handshakes.end(token) }
    #expect(handshakes.oldest() == 2000)
    handshakes.end(2000)
    #expect(handshakes.oldest() == nil)
    #expect(handshakes.count(from: sources[0]) == 0)
  }

  @Test func strangersCannotFillTheLog() {
    let start = Instant(nanoseconds: 0)
    var records = StrangersRecords(at: start)
    for _ in 0..<Limits.strangersRecords { #expect(records.admit("why", at: start) == "why") }
    for _ in 0..<30 { #expect(records.admit("why", at: start) == nil) }
    let later = start + Limits.strangersRecordsPeriod
    #expect(records.admit("why", at: later)?.contains("30 more") == true)
    #expect(records.admit("why", at: later) == "why")
  }
}
