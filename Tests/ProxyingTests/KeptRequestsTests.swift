import MeshModel
import Reactor
import Testing

@testable import Proxying

/// What clients can make a worker keep.
@Suite(
  .serialized, .timeLimit(.minutes(1)),
  .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct KeptRequestsTests {
  @Test func allTogetherKeepNoMoreThanTheLimit() {
    var kept = KeptRequests()
    // One by one: what changes the value may not be asked by the macro.
    let fits = (0..<1024).map { _ in kept.change(from: 0, to: 16 << 10) }
    let isTooMuch = !kept.change(from: 0, to: 1)
    #expect(fits.allSatisfy { $0 } && isTooMuch && kept.bytes == KeptRequests.limit)
    let isLess = kept.change(from: 16 << 10, to: 10)
    let fitsAgain = kept.change(from: 0, to: 1)
    kept.forget(10)
    #expect(isLess && fitsAgain && kept.bytes == KeptRequests.limit - (16 << 10) + 1)
  }

  /// What is kept for a request is let go with its answer, or with its connection.
  @Test func whatIsKeptIsLetGo() async throws {
    let waypoints = try await DyingWaypoints()
    let pods = waypoints.pods
    let (client, peer, stream) = try await waypoints.idle()
    #expect(await pods.clientWorker.report().keptBytes == 0)
    try await client.send(Array(DyingWaypoints.get.utf8))
    try await pods.wait(for: pods.clientWorker) { $0.keptBytes == DyingWaypoints.get.utf8.count }
    _ = try await peer.heard(in: stream, until: "\r\n\r\n")
    try await peer.say(DyingWaypoints.answer, in: stream)
    try await waypoints.expect(DyingWaypoints.answer, at: client)
    #expect(await pods.clientWorker.report().keptBytes == 0)
    try await client.send(Array(DyingWaypoints.get.utf8.dropLast(2)))
    try await pods.wait(for: pods.clientWorker) { $0.keptBytes == DyingWaypoints.get.utf8.count - 2 }
    client.abort()
    try await pods.wait(for: pods.clientWorker) { $0.keptBytes == 0 }
    peer.close()
  }
}
