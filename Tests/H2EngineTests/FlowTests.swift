import HTTPModel
import Testing

@testable import H2Engine

@Suite struct FlowTests {
  private static let bulk = 50 << 20

  /// The smallest windows that HTTP/2 starts with, and the mesh's own.
  private static let windows: [(stream: Int32, connection: Int32)] = [(65_535, 65_535), (4 << 20, 16 << 20)]

  @Test(arguments: [17 << 10, 256 << 10], [0, 1])
  func bulkThroughOutputsOfAnySize(room: Int, windows: Int) throws {
    var settings = H2Settings()
    settings.streamWindow = Self.windows[windows].stream
    settings.connectionWindow = Self.windows[windows].connection
    var peers = Peers(client: settings, server: settings)
    peers.room = room
    let stream = try peers.open()
    peers.client.bodies.send(Self.bulk, on: stream)
    peers.client.session.resume(stream)
    peers.server.bodies.send(Self.bulk, on: stream)
    peers.server.session.resume(stream)
    peers.settle()
    #expect(peers.server.received[stream] == Self.bulk)
    #expect(peers.client.received[stream] == Self.bulk)
    #expect(!peers.server.corrupt && !peers.client.corrupt)
    #expect(peers.server.closing(of: stream) == .noError)
    #expect(peers.client.failure == nil && peers.server.failure == nil)
  }

  /// Control frames cut anywhere, one byte at a time in the extreme, still arrive.
  @Test(arguments: [1, 7, 23])
  func tinyOutputsKeepTheOrder(room: Int) throws {
    var peers = Peers(settled: false)
    peers.room = room
    peers.settle()
    let stream = try peers.open()
    #expect(peers.client.section(0, of: stream) == Peers.accepted)
    guard room > 9 else { return }
    peers.client.bodies.send(1_000, on: stream)
    peers.client.session.resume(stream)
    peers.settle()
    #expect(peers.server.received[stream] == 1_000)
    #expect(peers.server.heard.last == .endOfStream(stream: stream))
  }

  @Test func fullFramesEarnLargerOnes() throws {
    var peers = Peers()
    peers.room = 256 << 10
    let stream = try peers.open()
    peers.client.bodies.send(16_375, on: stream, released: 8_000)
    peers.client.session.resume(stream)
    peers.settle()
    #expect(peers.client.session.mailbox.dataPayload == 16_375)
    peers.client.bodies.send(1 << 20, on: stream)
    peers.client.bodies.bodies[stream]?.offset = 8_000
    peers.client.session.resume(stream)
    peers.settle()
    #expect(peers.server.received[stream] == 1 << 20)
    #expect(peers.server.largestFrame == (64 << 10) - 9)
  }

  @Test func framesRespectThePeersLimit() throws {
    var settings = H2Settings()
    settings.maximumFrame = 16_384
    var peers = Peers(server: settings)
    peers.room = 256 << 10
    let stream = try peers.open()
    peers.client.bodies.send(1 << 20, on: stream)
    peers.client.session.resume(stream)
    peers.settle()
    #expect(peers.server.received[stream] == 1 << 20)
    #expect(peers.server.largestFrame <= 16_384)
  }

  @Test func windowStopsASenderUntilCreditReturns() throws {
    let peers = Peers()
    let stream = try peers.open()
    peers.server.consumes = false
    peers.client.bodies.send(6 << 20, on: stream)
    peers.client.session.resume(stream)
    peers.settle()
    #expect(peers.server.received[stream] == 4 << 20)
    #expect(!peers.client.session.wantsWrite)
    peers.server.consumes = true
    peers.server.session.consume(stream, 4 << 20)
    peers.settle()
    #expect(peers.server.received[stream] == 6 << 20)
  }

  /// Another stream flows while one is stalled: the session's window is wider than a stream's.
  @Test func stalledStreamLeavesRoomForOthers() throws {
    let peers = Peers()
    let stalled = try peers.open()
    let flowing = try peers.open()
    peers.server.consumes = false
    peers.client.bodies.send(8 << 20, on: stalled)
    peers.client.session.resume(stalled)
    peers.settle()
    peers.server.consumes = true
    peers.client.bodies.send(32 << 20, on: flowing)
    peers.client.session.resume(flowing)
    peers.settle()
    #expect(peers.server.received[stalled] == 4 << 20)
    #expect(peers.server.received[flowing] == 32 << 20)
  }

  /// Bytes of a stream that died before they were consumed count at the session: given back, the window is
  /// whole.
  @Test(arguments: [true, false])
  func deadStreamsLeakNoWindow(resetByReceiver: Bool) throws {
    let peers = Peers()
    for _ in 0..<8 {
      let doomed = try peers.open()
      peers.server.consumes = false
      peers.client.bodies.send(4 << 20, on: doomed)
      peers.client.session.resume(doomed)
      peers.settle()
      let held = peers.server.held.removeValue(forKey: doomed) ?? 0
      #expect(held > 0)
      (resetByReceiver ? peers.server : peers.client).session.reset(doomed, .cancel)
      peers.settle()
      #expect(peers.server.closing(of: doomed) == .cancel)
      if resetByReceiver {
        peers.server.session.consume(doomed, held)
      } else {
        peers.server.session.consumeConnection(held)
      }
    }
    peers.server.consumes = true
    let stream = try peers.open()
    peers.client.bodies.send(64 << 20, on: stream)
    peers.client.session.resume(stream)
    peers.settle()
    #expect(peers.server.received[stream] == 64 << 20)
  }

  /// Payload that arrives for a stream after we reset it is nghttp2's to give back.
  @Test func payloadAfterOurResetIsNotLost() throws {
    let peers = Peers()
    for _ in 0..<8 {
      let doomed = try peers.open()
      peers.client.bodies.send(4 << 20, on: doomed)
      peers.client.session.resume(doomed)
      peers.server.session.reset(doomed, .cancel)
      let answer = peers.server.transmit(room: 64 << 10)
      for _ in 0..<80 { peers.server.receive(peers.client.transmit(room: 64 << 10)) }
      peers.client.receive(answer)
      peers.settle()
    }
    let stream = try peers.open()
    peers.client.bodies.send(64 << 20, on: stream)
    peers.client.session.resume(stream)
    peers.settle()
    #expect(peers.server.received[stream] == 64 << 20)
  }
}
