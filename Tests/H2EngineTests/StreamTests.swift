import HTTPModel
import Testing

@testable import H2Engine

@Suite struct StreamTests {
  @Test func plainConnectNeedsNeitherSchemeNorPath() throws {
    let peers = Peers()
    let stream = try peers.client.session.submitRequest(
      Peers.tunnel + [Field("baggage", "service.name=cart")], hasBody: true)
    peers.settle()
    #expect(peers.server.section(0, of: stream) == Peers.tunnel + [Field("baggage", "service.name=cart")])
    try peers.server.session.submitResponse(stream, Peers.accepted, hasBody: true)
    peers.settle()
    #expect(peers.client.section(0, of: stream) == Peers.accepted)
    #expect(peers.client.session.openStreams == 1)
    #expect(peers.server.session.openStreams == 1)
  }

  @Test func refusalEndsTheStreamWithItsHead() throws {
    let peers = Peers()
    let stream = try peers.client.session.submitRequest(Peers.tunnel, hasBody: true)
    peers.settle()
    try peers.server.session.submitResponse(stream, [Field(":status", "401")], hasBody: false)
    peers.settle()
    let end = H2Event.headers(stream: stream, fields: [Field(":status", "401")], endStream: true)
    #expect(peers.client.heard.contains(end))
    peers.client.session.reset(stream, .noError)
    peers.settle()
    #expect(peers.client.closing(of: stream) == .noError)
    #expect(peers.server.closing(of: stream) == .noError)
  }

  @Test(arguments: [true, false])
  func halfCloseGoesEachWayAlone(clientFirst: Bool) throws {
    let peers = Peers()
    let stream = try peers.open()
    let (first, second) = clientFirst ? (peers.client, peers.server) : (peers.server, peers.client)
    first.bodies.send(10, on: stream)
    first.session.resume(stream)
    peers.settle()
    #expect(second.heard.last == .endOfStream(stream: stream))
    #expect(second.received[stream] == 10)
    #expect(first.closing(of: stream) == nil)

    second.bodies.send(100_000, on: stream)
    second.session.resume(stream)
    peers.settle()
    #expect(first.received[stream] == 100_000)
    #expect(first.closing(of: stream) == .noError)
    #expect(second.closing(of: stream) == .noError)
    #expect(peers.client.session.openStreams == 0)
    #expect(peers.server.session.openStreams == 0)
  }

  @Test func trailersEndTheBody() throws {
    let peers = Peers()
    let request = [
      Field(":method", "POST"), Field(":scheme", "https"), Field(":path", "/a.B/C"), Field(":authority", "x"),
    ]
    let stream = try peers.client.session.submitRequest(request, hasBody: true)
    peers.client.bodies.send(5, on: stream)
    peers.settle()
    #expect(peers.server.section(0, of: stream) == request)
    #expect(peers.server.heard.last == .endOfStream(stream: stream))
    let trailers = [Field("grpc-status", "0")]
    try peers.server.session.submitResponse(stream, Peers.accepted, hasBody: true)
    peers.server.bodies.send(70_000, on: stream, ending: .endWithTrailers(trailers))
    peers.settle()
    #expect(peers.client.received[stream] == 70_000)
    #expect(peers.client.heard.contains(.headers(stream: stream, fields: trailers, endStream: true)))
    #expect(peers.client.closing(of: stream) == .noError)
  }

  @Test func resetIsHeardWithItsCode() throws {
    let peers = Peers()
    let stream = try peers.open()
    peers.client.session.reset(stream, .connectError)
    peers.settle()
    #expect(peers.server.heard.contains(.reset(stream: stream, code: .connectError)))
    #expect(peers.server.closing(of: stream) == .connectError)
    #expect(peers.client.closing(of: stream) == .connectError)
    // Gone streams are ignored.
    peers.server.session.reset(stream, .cancel)
    peers.server.session.resume(stream)
    try peers.server.session.submitResponse(stream, Peers.accepted, hasBody: false)
    peers.settle()
    #expect(peers.server.failure == nil)
  }

  @Test func sourceCanFailItsStream() throws {
    let peers = Peers()
    let stream = try peers.open()
    peers.server.bodies.send(0, on: stream, ending: .failed(.connectError))
    peers.server.session.resume(stream)
    peers.settle()
    #expect(peers.client.heard.contains(.reset(stream: stream, code: .connectError)))
    #expect(peers.server.closing(of: stream) != nil)
  }

  @Test func deferredSourceIsAskedAgainOnlyAfterResume() throws {
    let peers = Peers()
    let stream = try peers.open()
    peers.client.bodies.send(30, on: stream, released: 10)
    peers.client.session.resume(stream)
    peers.settle()
    #expect(peers.server.received[stream] == 10)
    let calls = peers.client.bodies.calls
    peers.client.session.ping(1)
    peers.settle()
    #expect(peers.client.bodies.calls == calls)
    peers.client.bodies.bodies[stream]?.released = 30
    #expect(!peers.client.session.wantsWrite)
    peers.client.session.resume(stream)
    #expect(peers.client.session.wantsWrite)
    peers.settle()
    #expect(peers.server.received[stream] == 30)
    #expect(peers.server.heard.last == .endOfStream(stream: stream))
  }

  @Test func thousandStreamsAtOnce() throws {
    var settings = H2Settings()
    settings.maximumConcurrentStreams = 1_000
    let peers = Peers(server: settings)
    #expect(peers.client.session.peerMaxConcurrentStreams == 1_000)
    let streams = try (0..<1_000).map { _ in
      try peers.client.session.submitRequest(Peers.tunnel, hasBody: true)
    }
    peers.settle()
    #expect(peers.server.session.openStreams == 1_000)
    for stream in streams {
      try peers.server.session.submitResponse(stream, Peers.accepted, hasBody: true)
      peers.server.bodies.send(20_000, on: stream)
      peers.client.bodies.send(3_000, on: stream)
      peers.client.session.resume(stream)
    }
    peers.settle()
    for stream in streams {
      #expect(peers.client.received[stream] == 20_000)
      #expect(peers.server.received[stream] == 3_000)
      #expect(peers.client.closing(of: stream) == .noError)
    }
    #expect(!peers.client.corrupt && !peers.server.corrupt)
    #expect(peers.client.session.openStreams == 0)
  }

  @Test func bulkDoesNotStarveItsNeighbours() throws {
    let peers = Peers()
    let bulk = try peers.open()
    let small = try peers.open()
    peers.server.bodies.send(64 << 20, on: bulk)
    peers.server.session.resume(bulk)
    peers.client.receive(peers.server.transmit(room: 64 << 10))
    peers.server.bodies.send(100, on: small)
    peers.server.session.resume(small)
    peers.client.receive(peers.server.transmit(room: 256 << 10))
    #expect(peers.client.received[small] == 100)
  }

  @Test func fieldsThatWouldSplitALineAreNotSent() throws {
    let peers = Peers()
    for bad in [Field("a", "b\r\nc: d"), Field("a b", "c"), Field("", "c"), Field("a", "\u{0}")] {
      #expect(throws: H2Error.self) {
        try peers.client.session.submitRequest(Peers.tunnel + [bad], hasBody: true)
      }
    }
    #expect(peers.client.session.openStreams == 0)
  }
}
