import Bytes
import MeshIndex
import MeshModel
import Reactor
import Testing

@testable import Proxying

@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct RotationTests {
  /// A certificate that changes while a tunnel is being opened costs no connection, even where there is no
  /// other endpoint.
  @Test func aDrainThatOvertakesARequestIsNoFailure() async throws {
    let pods = try await TwoPods()
    // A pod whose agent has its listeners open and is slow to answer.
    let late = PodSockets(
      namespace: try NetworkNamespace.current(),
      listening: [.init(.hbone, try .listener(on: SocketAddress(pods.spareAddress, MeshPort.hbone)))])
    let application = try AsyncSocket(
      .listener(on: SocketAddress(pods.spareAddress, pods.port)), on: pods.thread)
    pods.publish(endpoints: [pods.spareAddress])
    let client = try await pods.dial()
    try await client.send([1])
    while await pods.clientWorker.report().clientTunnels == 0 {
      try await pods.thread.sleep(for: .milliseconds(2))
    }
    try pods.publishCredentials(pods.clientIdentity, to: pods.clientWorker, generation: 2)
    let failure = await pods.serverWorker.enroll(
      PodFacts(
        uid: "late", name: "server-\(pods.spareAddress)", namespace: "b", identity: pods.serverIdentity,
        addresses: [pods.spareAddress], sockets: late))
    #expect(failure == nil)

    let serving = Task {
      let accepted = try await application.accept()
      let server = try AsyncSocket(accepted.take(), on: pods.thread)
      #expect(try await server.receive() == [1])
      try await server.send([2])
      return server
    }
    #expect(try await client.receive() == [2])
    _ = try await serving.value
  }
}
