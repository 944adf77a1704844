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
  @Test func whoIsIdleDoesNotNoticeAndIsDialedForWhenItSpeaks() async throws {
    let waypoints = try await DyingWaypoints()
    let pods = waypoints.pods
    let serving = Task {
      let (first, stream) = try await waypoints.next()
      _ = try await first.heard(in: stream, until: "\r\n\r\n")
      try await first.say(DyingWaypoints.answer, in: stream)
      return first
    }
    let client = try await pods.dial()
    try await client.send(Array(DyingWaypoints.get.utf8))
    try await waypoints.expect(DyingWaypoints.answer, at: client)
    let first = try await serving.value
    first.close()
    while await pods.clientWorker.report().tunnelCounts.carriedOver == 0 {
      try await pods.thread.sleep(for: .milliseconds(5))
    }
    let next = Task {
      let (second, stream) = try await waypoints.next()
      let heard = try await second.heard(in: stream, until: "hi")
      try await second.say(DyingWaypoints.answer, in: stream)
      return (second, heard)
    }
    try await client.send(Array(DyingWaypoints.post.utf8))
    try await waypoints.expect(DyingWaypoints.answer, at: client)
    let (second, heard) = try await next.value
    #expect(heard == DyingWaypoints.post)
    client.close()
    second.close()
  }

  @Test func aSafeRequestIsSentAgainOnce() async throws {
    let waypoints = try await DyingWaypoints()
    let pods = waypoints.pods
    let serving = Task {
      let (first, stream) = try await waypoints.next()
      _ = try await first.heard(in: stream, until: "\r\n\r\n")
      first.close()
      let (second, again) = try await waypoints.next()
      let heard = try await second.heard(in: again, until: "\r\n\r\n")
      #expect(heard == DyingWaypoints.get)
      try await second.say(DyingWaypoints.answer, in: again)
      // The next request is another one, and may be sent again too; but each only once.
      _ = try await second.heard(in: again, until: "\r\n\r\n")
      second.close()
      let (third, last) = try await waypoints.next()
      _ = try await third.heard(in: last, until: "\r\n\r\n")
      third.close()
    }
    let client = try await pods.dial()
    try await client.send(Array(DyingWaypoints.get.utf8))
    try await waypoints.expect(DyingWaypoints.answer, at: client)
    try await client.send(Array(DyingWaypoints.get.utf8))
    await #expect(throws: SystemError.self) {
      guard try await !client.receive().isEmpty else { throw SystemError.timedOut }
    }
    try await serving.value
    #expect(await pods.clientWorker.report().tunnelCounts.repeated == 2)
    client.close()
  }

  /// What a waypoint has let in is not led past it because it died.
  @Test(arguments: [true, false]) func whoseWaypointIsNoMoreIsNotLedElsewhere(_ isPlain: Bool) async throws {
    let waypoints = try await DyingWaypoints()
    let pods = waypoints.pods
    let serving = Task {
      let (first, stream) = try await waypoints.next()
      _ = try await first.heard(in: stream, until: "\r\n\r\n")
      return first
    }
    let client = try await pods.dial()
    try await client.send(Array(DyingWaypoints.get.utf8))
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

  @Test(arguments: [
    (DyingWaypoints.post, "hi", ""),
    (DyingWaypoints.get, "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"),
  ])
  func whatMayHaveBeenActedOnOrIsBeingAnsweredFails(_ asked: String, _ end: String, _ begun: String)
    async throws
  {
    let waypoints = try await DyingWaypoints()
    let pods = waypoints.pods
    let serving = Task {
      let (first, stream) = try await waypoints.next()
      _ = try await first.heard(in: stream, until: end)
      if !begun.isEmpty { try await first.say(begun, in: stream) }
      return first
    }
    let client = try await pods.dial()
    try await client.send(Array(asked.utf8))
    if !begun.isEmpty { try await waypoints.expect(begun, at: client) }
    try await serving.value.close()
    await #expect(throws: SystemError.self) {
      guard try await !client.receive().isEmpty else { throw SystemError.timedOut }
    }
    let counts = await pods.clientWorker.report().tunnelCounts
    #expect(counts.repeated == 0 && counts.carriedOver == 0)
    client.close()
  }
}
