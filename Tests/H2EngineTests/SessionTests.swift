import HTTPModel
import Testing

@testable import H2Engine

@Suite struct SessionTests {
  @Test func gracefulEndLosesNoRequest() throws {
    let peers = Peers()
    let old = try peers.open()
    // The request and the first GOAWAY cross.
    let crossing = try peers.client.session.submitRequest(Peers.tunnel, hasBody: true)
    let up = peers.client.transmit(room: 64 << 10)
    peers.server.session.drain()
    let down = peers.server.transmit(room: 64 << 10)
    peers.server.receive(up)
    peers.client.receive(down)
    #expect(peers.client.heard.last == .goaway(lastStream: .max, code: .noError))
    #expect(throws: H2Error.self) { try peers.client.session.submitRequest(Peers.tunnel, hasBody: true) }
    peers.settle()
    #expect(peers.client.heard.last == .goaway(lastStream: crossing, code: .noError))
    #expect(!peers.server.session.isFinished)

    try peers.server.session.submitResponse(crossing, Peers.accepted, hasBody: true)
    for stream in [old, crossing] {
      for side in [peers.client, peers.server] {
        side.bodies.send(1_000, on: stream)
        side.session.resume(stream)
      }
    }
    peers.settle()
    for stream in [old, crossing] {
      #expect(peers.client.received[stream] == 1_000)
      #expect(peers.client.closing(of: stream) == .noError)
    }
    #expect(peers.server.session.isFinished && peers.client.session.isFinished)
    #expect(peers.server.failure == nil && peers.client.failure == nil)
  }

  @Test func drainingClientFinishesItsStreams() throws {
    let peers = Peers()
    let stream = try peers.open()
    #expect(peers.client.session.takesRequests)
    peers.client.session.drain()
    #expect(!peers.client.session.takesRequests)
    peers.settle()
    #expect(throws: H2Error.self) { try peers.client.session.submitRequest(Peers.tunnel, hasBody: true) }
    #expect(!peers.client.session.isFinished)
    for side in [peers.client, peers.server] {
      side.bodies.send(1, on: stream)
      side.session.resume(stream)
    }
    peers.settle()
    #expect(peers.client.session.isFinished && peers.server.session.isFinished)
  }

  @Test func abruptEndIsHeardAndFinishes() throws {
    let peers = Peers()
    _ = try peers.open()
    peers.server.session.goaway(.noError)
    peers.settle()
    #expect(peers.client.heard.contains { if case .goaway(_, .noError) = $0 { true } else { false } })
    #expect(peers.server.session.isFinished)
    #expect(peers.server.failure == nil)
  }

  @Test func requestsThatMissedTheirSessionAreClosedAsRefused() throws {
    let peers = Peers()
    _ = try peers.open()
    peers.server.session.goaway(.noError)
    let down = peers.server.transmit(room: 64 << 10)
    let late = try peers.client.session.submitRequest(Peers.tunnel, hasBody: true)
    peers.client.receive(down)
    peers.settle()
    #expect(peers.client.closing(of: late) == .refusedStream)
  }

  @Test func pongBringsThePayloadBack() {
    let peers = Peers()
    peers.client.session.ping(7)
    peers.server.session.ping(0xffff_ffff_ffff_fff0)
    peers.settle()
    #expect(peers.client.heard.contains(.pong(7)))
    #expect(peers.server.heard.contains(.pong(0xffff_ffff_ffff_fff0)))
  }

  @Test func settingsApply() {
    var settings = H2Settings()
    settings.maximumConcurrentStreams = 3
    let peers = Peers(server: settings, settled: false)
    #expect(peers.client.session.peerMaxConcurrentStreams == 100)
    peers.settle()
    #expect(peers.client.heard.contains(.settings))
    #expect(peers.client.session.peerMaxConcurrentStreams == 3)
    #expect(peers.server.session.peerMaxConcurrentStreams == .max)
  }

  @Test func requestsAboveTheLimitWaitOnceItIsKnown() throws {
    var settings = H2Settings()
    settings.maximumConcurrentStreams = 2
    let peers = Peers(server: settings)
    let streams = try (0..<3).map { _ in try peers.client.session.submitRequest(Peers.tunnel, hasBody: true) }
    peers.settle()
    #expect(peers.server.session.openStreams == 2)
    #expect(peers.client.session.openStreams == 3)
    peers.client.session.reset(streams[0], .cancel)
    peers.settle()
    #expect(peers.server.section(0, of: streams[2]) == Peers.tunnel)
  }

  @Test func waitingRequestsCanBeReset() throws {
    var settings = H2Settings()
    settings.maximumConcurrentStreams = 1
    let peers = Peers(server: settings)
    let first = try peers.client.session.submitRequest(Peers.tunnel, hasBody: true)
    let waiting = try peers.client.session.submitRequest(Peers.tunnel, hasBody: true)
    peers.settle()
    peers.client.session.reset(waiting, .cancel)
    peers.client.session.reset(first, .cancel)
    peers.settle()
    #expect(peers.client.closing(of: waiting) == .cancel)
    #expect(peers.client.session.openStreams == 0)
    #expect(peers.server.section(0, of: waiting) == nil)
  }

  @Test func requestsAboveAnUnknownLimitAreRefused() throws {
    var settings = H2Settings()
    settings.maximumConcurrentStreams = 2
    let peers = Peers(server: settings, settled: false)
    let streams = try (0..<4).map { _ in try peers.client.session.submitRequest(Peers.tunnel, hasBody: true) }
    peers.settle()
    #expect(peers.client.closing(of: streams[2]) == .refusedStream)
    #expect(peers.client.closing(of: streams[3]) == .refusedStream)
    #expect(peers.server.session.openStreams == 2)
    #expect(peers.server.failure == nil)
  }

  @Test func libraryVersion() { #expect(H2Library.version.hasPrefix("nghttp2 1.")) }
}
