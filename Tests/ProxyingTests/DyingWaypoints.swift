import MeshModel
import Reactor
import TLSEngine
import Testing

@testable import Proxying

/// A client whose service is behind waypoints, played one after the other by peers made of the engines alone.
struct DyingWaypoints {
  static let get = "GET /a HTTP/1.1\r\nHost: s\r\n\r\n"
  static let post = "POST /a HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\nhi"
  static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

  let pods: TwoPods
  private let listener: AsyncSocket
  private let settings: TLSSettings

  init(keepsTraces: Bool = false) async throws {
    pods = try await TwoPods(keepsTraces: keepsTraces)
    listener = try AsyncSocket(
      .listener(on: SocketAddress(pods.spareAddress, MeshPort.hbone)), on: pods.thread)
    pods.publish(
      endpoints: [pods.serverAddress],
      waypoint: TwoPods.Waypoint(
        service: WaypointTests.service, identity: WaypointTests.identity, addresses: [pods.spareAddress]))
    settings = try pods.credentials(of: WaypointTests.identity).server
  }

  /// The next waypoint, with the client's connection open.
  func next() async throws -> (ForeignPeer, Int32) {
    let peer = try await ForeignPeer(serving: listener, settings)
    let stream = try await peer.request()
    try await peer.answer(stream)
    return (peer, stream)
  }

  /// Receives so much of the text as comes.
  func expect(_ text: String, at client: AsyncSocket) async throws {
    var got: [UInt8] = []
    while got.count < text.utf8.count {
      let part = try await client.receive()
      guard !part.isEmpty else { break }
      got += part
    }
    #expect(got == Array(text.utf8), "\(got.count) bytes of \(text.utf8.count)")
  }

  /// A client that has been answered once, and the waypoint that answered.
  func idle() async throws -> (AsyncSocket, ForeignPeer, Int32) {
    let serving = Task {
      let (peer, stream) = try await next()
      _ = try await peer.heard(in: stream, until: "\r\n\r\n")
      try await peer.say(Self.answer, in: stream)
      return (peer, stream)
    }
    let client = try await pods.dial()
    try await client.send(Array(Self.get.utf8))
    try await expect(Self.answer, at: client)
    let (peer, stream) = try await serving.value
    return (client, peer, stream)
  }

  /// Waits until a connection has outlived its waypoint while it was idle.
  func carried() async throws {
    try await pods.wait(for: pods.clientWorker) { $0.tunnelCounts.carriedOver == 1 }
  }

  /// Whether the client's agent tells of an orderly end of the connection.
  func endsInOrder() async throws -> Bool {
    if case .complete = try await pods.record(where: { $0.direction == .outbound }).outcome {
      true
    } else {
      false
    }
  }
}
