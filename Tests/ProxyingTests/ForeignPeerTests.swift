import Bytes
import H2Engine
import HTTPModel
import MeshModel
import Reactor
import TLSEngine
import Testing

@testable import Proxying

@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct ForeignPeerTests {
  /// A CONNECT that ends with trailers ends like any other: they are no second CONNECT.
  @Test func trailersEndATunnelsStream() async throws {
    let pods = try await TwoPods()
    let (peer, stream, server) = try await open(pods)
    peer.bodies[stream] = [.bytes, .endWithTrailers([Field("x-done", "yes")])]
    peer.resume(stream)
    try await peer.flush()
    #expect(try await server.receive() == [42])
    let watchdog = Task {
      try await pods.thread.sleep(for: .seconds(5))
      server.abort()
    }
    #expect(try await server.receive().isEmpty)
    watchdog.cancel()
    try await server.send([1])
    server.shutdownWrite()
    try await peer.wait(for: {
      if case .streamClosed(stream, let code) = $0 { code == .noError } else { false }
    })
    let record = try await pods.record { $0.direction == .inbound }
    guard case .complete = record.outcome else {
      Issue.record("\(record.outcome)")
      return
    }
  }

  /// A peer that has said all and reads no more (RST_STREAM with NO_ERROR) takes nothing back.
  @Test func aPeerThatOnlyStopsReadingIsNoReset() async throws {
    let pods = try await TwoPods()
    let (peer, stream, server) = try await open(pods)
    peer.bodies[stream] = [.bytes, .end]
    peer.resume(stream)
    try await peer.flush()
    peer.reset(stream, .noError)
    try await peer.flush()
    _ = try await pods.record { $0.direction == .inbound }
    #expect(try await server.receive() == [42])
    #expect(try await server.receive().isEmpty)
  }

  private func open(_ pods: TwoPods) async throws -> (ForeignPeer, Int32, AsyncSocket) {
    let peer = try await ForeignPeer(calling: pods)
    let stream = try peer.connect(to: "\(pods.serverAddress):\(pods.port)")
    let accepting = Task { try await pods.accept().connection }
    #expect(try await peer.answer(to: stream).first(":status") == "200")
    return (peer, stream, try await accepting.value)
  }
}
