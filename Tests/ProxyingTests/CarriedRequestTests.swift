import Bytes
import MeshModel
import Reactor
import TLSEngine
import Testing

@testable import Proxying

/// A waypoint dies under connections of HTTP/1.1. Both it and its successor are played by peers made of the
/// engines alone.
@Suite(
  .serialized, .timeLimit(.minutes(2)),
  .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct CarriedRequestTests {
  private static let get = "GET /a HTTP/1.1\r\nHost: s\r\n\r\n"
  private static let post = "POST /a HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\nhi"
  private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

  /// Where waypoints listen, and as whom.
  private func place(_ pods: TwoPods) throws -> (AsyncSocket, TLSSettings) {
    let listener = try AsyncSocket(
      .listener(on: SocketAddress(pods.spareAddress, MeshPort.hbone)), on: pods.thread)
    pods.publish(
      endpoints: [pods.serverAddress],
      waypoint: TwoPods.Waypoint(
        service: WaypointTests.service, identity: WaypointTests.identity, addresses: [pods.spareAddress]))
    return (listener, try pods.credentials(of: WaypointTests.identity).server)
  }

  /// A waypoint with the client's connection open.
  private func waypoint(
    _ listener: AsyncSocket, _ settings: TLSSettings
  ) async throws -> (ForeignPeer, Int32) {
    let peer = try await ForeignPeer(serving: listener, settings)
    let stream = try await peer.request()
    try await peer.answer(stream)
    return (peer, stream)
  }

  private func receive(_ client: AsyncSocket, _ text: String) async throws {
    var got: [UInt8] = []
    while got.count < text.utf8.count {
      let part = try await client.receive()
      guard !part.isEmpty else { break }
      got += part
    }
    #expect(String(decoding: got, as: UTF8.self) == text)
  }

  @Test func whoIsIdleDoesNotNoticeAndIsDialedForWhenItSpeaks() async throws {
    let pods = try await TwoPods()
    let (listener, settings) = try place(pods)
    let serving = Task {
      let (first, stream) = try await waypoint(listener, settings)
      _ = try await first.heard(in: stream, until: "\r\n\r\n")
      try await first.say(Self.answer, in: stream)
      return first
    }
    let client = try await pods.dial()
    try await client.send(Array(Self.get.utf8))
    try await receive(client, Self.answer)
    let first = try await serving.value
    first.close()
    while await pods.clientWorker.report().tunnelCounts.carriedOver == 0 {
      try await pods.thread.sleep(for: .milliseconds(5))
    }
    let next = Task {
      let (second, stream) = try await waypoint(listener, settings)
      let heard = try await second.heard(in: stream, until: "hi")
      try await second.say(Self.answer, in: stream)
      return (second, heard)
    }
    try await client.send(Array(Self.post.utf8))
    try await receive(client, Self.answer)
    let (second, heard) = try await next.value
    #expect(heard == Self.post)
    client.close()
    second.close()
  }

  @Test func aSafeRequestIsSentAgainOnce() async throws {
    let pods = try await TwoPods()
    let (listener, settings) = try place(pods)
    let serving = Task {
      let (first, stream) = try await waypoint(listener, settings)
      _ = try await first.heard(in: stream, until: "\r\n\r\n")
      first.close()
      let (second, again) = try await waypoint(listener, settings)
      let heard = try await second.heard(in: again, until: "\r\n\r\n")
      #expect(heard == Self.get)
      try await second.say(Self.answer, in: again)
      // The next request is another one, and may be sent again too; but each only once.
      _ = try await second.heard(in: again, until: "\r\n\r\n")
      second.close()
      let (third, last) = try await waypoint(listener, settings)
      _ = try await third.heard(in: last, until: "\r\n\r\n")
      third.close()
    }
    let client = try await pods.dial()
    try await client.send(Array(Self.get.utf8))
    try await receive(client, Self.answer)
    try await client.send(Array(Self.get.utf8))
    await #expect(throws: SystemError.self) {
      guard try await !client.receive().isEmpty else { throw SystemError.timedOut }
    }
    try await serving.value
    #expect(await pods.clientWorker.report().tunnelCounts.repeated == 2)
    client.close()
  }

  /// What a waypoint has let in is not led past it because it died.
  @Test(arguments: [true, false]) func whoseWaypointIsNoMoreIsNotLedElsewhere(_ isPlain: Bool) async throws {
    let pods = try await TwoPods()
    let (listener, settings) = try place(pods)
    let serving = Task {
      let (first, stream) = try await waypoint(listener, settings)
      _ = try await first.heard(in: stream, until: "\r\n\r\n")
      return first
    }
    let client = try await pods.dial()
    try await client.send(Array(Self.get.utf8))
    let first = try await serving.value
    pods.publish(endpoints: [pods.serverAddress], tunnelProtocol: isPlain ? .none : .hbone)
    first.close()
    await #expect(throws: SystemError.self) {
      guard try await !client.receive().isEmpty else { throw SystemError.timedOut }
    }
    let record = try await pods.record { $0.direction == .outbound && $0.phase == .ended }
    guard case .failed(let clause, _) = record.outcome else {
      Issue.record("\(record.outcome)")
      return
    }
    #expect(clause.contains("the waypoint died"))
    client.close()
  }

  @Test(arguments: [(post, "hi", ""), (get, "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")])
  func whatMayHaveBeenActedOnOrIsBeingAnsweredFails(_ asked: String, _ end: String, _ begun: String)
    async throws
  {
    let pods = try await TwoPods()
    let (listener, settings) = try place(pods)
    let serving = Task {
      let (first, stream) = try await waypoint(listener, settings)
      _ = try await first.heard(in: stream, until: end)
      if !begun.isEmpty { try await first.say(begun, in: stream) }
      return first
    }
    let client = try await pods.dial()
    try await client.send(Array(asked.utf8))
    if !begun.isEmpty { try await receive(client, begun) }
    try await serving.value.close()
    await #expect(throws: SystemError.self) {
      guard try await !client.receive().isEmpty else { throw SystemError.timedOut }
    }
    let counts = await pods.clientWorker.report().tunnelCounts
    #expect(counts.repeated == 0 && counts.carriedOver == 0)
    client.close()
  }
}
