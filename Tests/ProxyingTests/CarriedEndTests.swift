import Glibc
import H2Engine
import MeshModel
import TLSEngine
import Testing

@testable import Proxying
@testable import Reactor

/// What a connection that outlives its waypoint may not do, and what it must not lose.
@Suite(
  .serialized, .timeLimit(.minutes(1)),
  .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct CarriedEndTests {
  private static let closing = "GET / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"

  /// Nothing is dialed for a client that has nothing to say any more: it would start a waypoint.
  @Test func whoLeavesWhileIdleIsNotLedToAnotherWaypoint() async throws {
    let waypoints = try await DyingWaypoints()
    let (client, first, _) = try await waypoints.idle()
    first.close()
    try await waypoints.carried()
    client.shutdownWrite()
    #expect(try await client.receive().isEmpty)
    #expect(try await waypoints.endsInOrder())
    #expect(await waypoints.pods.clientWorker.report().clientTunnels == 0)
    client.close()
  }

  /// No line has ended, so nobody knows that it is HTTP; who was asked may have acted.
  @Test(arguments: [[0, 0, 0, 9, 3, 1, 4, 1, 5], Array("GET key;".utf8)] as [[UInt8]])
  func whatMayNotBeHTTPIsNotSentTwice(_ asked: [UInt8]) async throws {
    let waypoints = try await DyingWaypoints()
    let serving = Task {
      let (first, stream) = try await waypoints.next()
      _ = try await first.heard(in: stream, until: String(decoding: asked, as: UTF8.self))
      first.close()
    }
    let client = try await waypoints.pods.dial()
    try await client.send(asked)
    try await serving.value
    await #expect(throws: SystemError.self) {
      guard try await !client.receive().isEmpty else { throw SystemError.timedOut }
    }
    let counts = await waypoints.pods.clientWorker.report().tunnelCounts
    #expect(counts.repeated == 0 && counts.carriedOver == 0)
    client.close()
  }

  /// A client that waits for the server to speak would wait for ever.
  @Test func whoHasSaidNothingIsLedOnAtOnceAndOnce() async throws {
    let waypoints = try await DyingWaypoints()
    let serving = Task {
      let (first, _) = try await waypoints.next()
      first.close()
      let (second, stream) = try await waypoints.next()
      try await second.say("220 ready\r\n", in: stream)
      return second
    }
    let client = try await waypoints.pods.dial()
    try await waypoints.expect("220 ready\r\n", at: client)
    try await serving.value.close()
    await #expect(throws: SystemError.self) {
      guard try await !client.receive().isEmpty else { throw SystemError.timedOut }
    }
    client.close()
  }

  /// That is no crash: with the key, or the root, goes what was opened with it.
  @Test(arguments: [true, false]) func whatWeEndOurselvesIsOver(_ isForgotten: Bool) async throws {
    let waypoints = try await DyingWaypoints()
    let (client, first, _) = try await waypoints.idle()
    let pods = waypoints.pods
    if isForgotten {
      pods.clientWorker.forget(pods.clientIdentity)
    } else {
      let other = try CertificateIssuer(trustDomain: .clusterLocal, now: Clock.wall() / 1_000_000_000)
      try pods.publishCredentials(
        pods.clientIdentity, to: pods.clientWorker, generation: 2, issuer: other, roots: other.bundle)
    }
    await first.waitForTheEnd()
    await #expect(throws: SystemError.self) {
      guard try await !client.receive().isEmpty else { throw SystemError.timedOut }
    }
    #expect(await pods.clientWorker.report().tunnelCounts.carriedOver == 0)
    client.close()
  }

  /// Nobody speaks for the client any more, whether its waypoint lives or not.
  @Test func whoWaitsForASuccessorEndsWithTheKey() async throws {
    let waypoints = try await DyingWaypoints()
    let (client, first, _) = try await waypoints.idle()
    first.close()
    try await waypoints.carried()
    waypoints.pods.clientWorker.forget(waypoints.pods.clientIdentity)
    await #expect(throws: SystemError.self) {
      guard try await !client.receive().isEmpty else { throw SystemError.timedOut }
    }
    client.close()
  }

  /// The whole answer is at the agent: what its client has yet to read does not die with the waypoint.
  @Test(arguments: [true, false]) func anAnswerThatIsReadSlowlyArrives(_ isLast: Bool) async throws {
    let waypoints = try await DyingWaypoints()
    let pods = waypoints.pods
    // The kernel takes four megabytes at most, and the peer learns of two of them.
    let size = 5_700_000
    let text =
      "HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n" + String(repeating: "a", count: size)
    let serving = Task {
      let (first, stream) = try await waypoints.next()
      _ = try await first.heard(in: stream, until: "\r\n\r\n")
      try await first.say(text, in: stream)
      first.close()
    }
    let client = try await pods.dial()
    try client.withSocket { (socket: borrowing Socket) throws(SystemError) in
      try socket.set(SOL_SOCKET, SO_RCVBUF, 16_384, "setsockopt(SO_RCVBUF)")
    }
    try await client.send(Array((isLast ? Self.closing : DyingWaypoints.get).utf8))
    try await serving.value
    // The tunnel has ended, and this much waits for the client.
    try await pods.wait(for: pods.clientWorker) { $0.clientTunnels == 0 && $0.backlogBytes > 1 << 18 }
    let next = Task {
      guard !isLast else { return }
      let (second, stream) = try await waypoints.next()
      _ = try await second.heard(in: stream, until: "\r\n\r\n")
      try await second.say(DyingWaypoints.answer, in: stream)
      second.close()
    }
    // A client need not have read an answer to ask the next question.
    if !isLast { try await client.send(Array(DyingWaypoints.get.utf8)) }
    try await waypoints.expect(isLast ? text : text + DyingWaypoints.answer, at: client)
    if isLast {
      #expect(try await client.receive().isEmpty)
      #expect(try await waypoints.endsInOrder())
    }
    try await next.value
    #expect(await pods.clientWorker.report().backlogBytes == 0)
    client.close()
  }

  /// As a line of `nc -N`: all was asked, and FIN was sent.
  @Test func theRequestOfAClientThatSaysNoMoreIsSentAgain() async throws {
    let waypoints = try await DyingWaypoints()
    let pods = waypoints.pods
    let serving = Task {
      let (first, stream) = try await waypoints.next()
      try await first.wait { $0 == .endOfStream(stream: stream) }
      first.close()
      let (second, again) = try await waypoints.next()
      try await second.wait { $0 == .endOfStream(stream: again) }
      #expect(try await second.heard(in: again, until: "\r\n\r\n") == DyingWaypoints.get)
      // Its end is known: the poller need not tell of it for ever.
      let ticks = await pods.clientWorker.report().ticks
      for _ in 0..<50 { _ = await pods.clientWorker.report() }
      #expect(await pods.clientWorker.report().ticks - ticks < 100)
      try await second.say(DyingWaypoints.answer, in: again)
      return second
    }
    let client = try await pods.dial()
    try await client.send(Array(DyingWaypoints.get.utf8))
    client.shutdownWrite()
    try await waypoints.expect(DyingWaypoints.answer, at: client)
    try await serving.value.close()
    client.close()
  }

  /// With the last answer everything has been said: whether the waypoint lives on is nothing to the client.
  @Test func theEndOfAConnectionThatWasToCloseIsInOrder() async throws {
    let waypoints = try await DyingWaypoints()
    let serving = Task {
      let (first, stream) = try await waypoints.next()
      _ = try await first.heard(in: stream, until: "\r\n\r\n")
      try await first.say(DyingWaypoints.answer, in: stream)
      first.close()
    }
    let client = try await waypoints.pods.dial()
    try await client.send(Array(Self.closing.utf8))
    try await waypoints.expect(DyingWaypoints.answer, at: client)
    #expect(try await client.receive().isEmpty)
    try await serving.value
    #expect(try await waypoints.endsInOrder())
    client.close()
  }

  /// The successor is told of the span that the connection's record tells of.
  @Test func aConnectionThatGoesOnStaysInItsTrace() async throws {
    let waypoints = try await DyingWaypoints(keepsTraces: true)
    waypoints.pods.trace("a", client: 1_000_000, server: 0)
    let serving = Task {
      let (first, stream) = try await waypoints.next()
      _ = try await first.heard(in: stream, until: "\r\n\r\n")
      first.close()
      let (second, again) = try await waypoints.next()
      _ = try await second.heard(in: again, until: "\r\n\r\n")
      try await second.say(DyingWaypoints.answer, in: again)
      return (first.field("traceparent", of: stream), second.field("traceparent", of: again), second)
    }
    let client = try await waypoints.pods.dial()
    try await client.send(Array(DyingWaypoints.get.utf8))
    try await waypoints.expect(DyingWaypoints.answer, at: client)
    let (before, after, second) = try await serving.value
    #expect(before != nil && before == after)
    client.close()
    second.close()
  }
}
