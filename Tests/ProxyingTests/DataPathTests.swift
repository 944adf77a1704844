import Bytes
import Glibc
import MeshModel
import Reactor
import Testing

@testable import Proxying

@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct DataPathTests {
  @Test func carriesBytesBothWaysAndKeepsTheClientsAddress() async throws {
    let pods = try await TwoPods()
    let client = try await pods.dial()
    try await client.send(Array("hello".utf8))
    let (server, peer) = try await pods.accept()
    #expect(peer?.ip == pods.clientAddress)
    #expect(try await server.receive() == Array("hello".utf8))
    try await server.send(Array("world".utf8))
    #expect(try await client.receive() == Array("world".utf8))
    client.close()
    server.close()
    let inbound = try await pods.record { $0.direction == .inbound }
    #expect(inbound.source.identity == pods.clientIdentity)
    #expect(inbound.isMutualTLS)
  }

  @Test func serverSpeaksFirst() async throws {
    let pods = try await TwoPods()
    let client = try await pods.dial()
    let (server, _) = try await pods.accept()
    try await server.send(Array("220 ready".utf8))
    #expect(try await client.receive() == Array("220 ready".utf8))
  }

  @Test func halfCloseGoesEachWay() async throws {
    let pods = try await TwoPods()
    let client = try await pods.dial()
    try await client.send(Array("question".utf8))
    client.shutdownWrite()
    let (server, _) = try await pods.accept()
    var question: [UInt8] = []
    while true {
      let bytes = try await server.receive()
      if bytes.isEmpty { break }
      question += bytes
    }
    #expect(question == Array("question".utf8))
    try await server.send(Array("answer".utf8))
    server.shutdownWrite()
    #expect(try await client.receive() == Array("answer".utf8))
    #expect(try await client.receive().isEmpty)
    let record = try await pods.record { $0.direction == .outbound }
    guard case .complete = record.outcome else {
      Issue.record("\(record.outcome)")
      return
    }
    #expect(record.bytesSent == 8)
    #expect(record.bytesReceived == 6)
  }

  @Test func aResetStaysAReset() async throws {
    let pods = try await TwoPods()
    let client = try await pods.dial()
    try await client.send([1])
    let (server, _) = try await pods.accept()
    _ = try await server.receive()
    try server.withSocket { (socket: borrowing Socket) in socket.abortOnClose() }
    server.abort()
    await #expect(throws: SystemError.self) { _ = try await client.receive() }
  }

  @Test func bulkWithASlowReader() async throws {
    let pods = try await TwoPods()
    let client = try await pods.dial()
    let size = 48 << 20
    let sending = Task {
      for _ in 0..<(size >> 20) { try await client.send([UInt8](repeating: 7, count: 1 << 20)) }
      client.shutdownWrite()
    }
    let (server, _) = try await pods.accept()
    // Nothing is read until the windows are shut and the sender stands still.
    for _ in 0..<20 { try await pods.thread.sleep(for: .milliseconds(10)) }
    var received = 0
    while true {
      let bytes = try await server.receive(upTo: 1 << 20)
      if bytes.isEmpty { break }
      received += bytes.count
    }
    try await sending.value
    #expect(received == size)
    let report = await pods.serverWorker.report()
    #expect(report.backlogBytes == 0)
  }

  @Test func manyConnectionsShareOneTunnel() async throws {
    let pods = try await TwoPods()
    let serving = pods.serveEchoes()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<300 {
        group.addTask {
          let client = try await pods.dial()
          let message = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 10_000)
          try await client.send(message)
          client.shutdownWrite()
          var echoed: [UInt8] = []
          while true {
            let bytes = try await client.receive()
            if bytes.isEmpty { break }
            echoed += bytes
          }
          #expect(echoed == message)
        }
      }
      try await group.waitForAll()
    }
    let report = await pods.clientWorker.report()
    #expect(report.clientTunnels >= 1)
    #expect(report.clientTunnels <= 4)
    serving.cancel()
    pods.application.close()
  }

  @Test func anEndpointThatIsGoneIsPassedOver() async throws {
    let pods = try await TwoPods()
    pods.publish(endpoints: [pods.serverAddress, pods.spareAddress])
    let serving = pods.serveEchoes()
    for _ in 0..<20 {
      let client = try await pods.dial()
      try await client.send([42])
      #expect(try await client.receive() == [42])
      client.close()
    }
    serving.cancel()
    pods.application.close()
  }

  @Test func anUnexpectedIdentityIsRefused() async throws {
    let pods = try await TwoPods()
    let other = try Identity(spiffe: "spiffe://cluster.local/ns/b/sa/other")
    pods.publish(endpoints: [pods.serverAddress], identity: other)
    await #expect(throws: SystemError.self) {
      let client = try await pods.dial()
      try await client.send([1])
      _ = try await client.receive()
    }
    let record = try await pods.record { $0.direction == .outbound }
    guard case .failed(let text, _) = record.outcome else {
      Issue.record("\(record.outcome)")
      return
    }
    #expect(text.contains("ns/b/sa/server"))
  }

  @Test func aDenialCarriesItsReasonAndEndsLiveConnections() async throws {
    let pods = try await TwoPods()
    let client = try await pods.dial()
    try await client.send([1])
    let (server, _) = try await pods.accept()
    #expect(try await server.receive() == [1])

    var match = Authorization.Match()
    match.principals = [.exact(pods.clientIdentity.principal)]
    let deny = Authorization(
      name: "no-clients", namespace: "b", scope: .namespace, action: .deny,
      rules: [.init(clauses: [.init(matches: [match])])])
    pods.publish(endpoints: [pods.serverAddress], policies: [deny])
    await #expect(throws: SystemError.self) { _ = try await client.receive() }

    await #expect(throws: SystemError.self) {
      let second = try await pods.dial()
      try await second.send([1])
      _ = try await second.receive()
    }
    let record = try await pods.record { $0.direction == .outbound && $0.bytesSent == 0 }
    guard case .refused(let reason, let peer) = record.outcome else {
      Issue.record("\(record.outcome)")
      return
    }
    #expect(reason == .policy("b/no-clients"))
    #expect(peer)
  }

  @Test func aSelectorPolicyAttachedLaterEndsLiveConnections() async throws {
    let pods = try await TwoPods()
    let nobody = Authorization(
      name: "nobody", namespace: "b", scope: .workloadSelector, action: .allow, rules: [])
    pods.publish(endpoints: [pods.serverAddress], policies: [nobody])
    let client = try await pods.dial()
    try await client.send([1])
    let (server, _) = try await pods.accept()
    #expect(try await server.receive() == [1])
    // What a label's change does: the policy was there, and now the workload names it.
    pods.publish(endpoints: [pods.serverAddress], policies: [nobody], bound: ["b/nobody"])
    await #expect(throws: SystemError.self) { _ = try await client.receive() }
    let record = try await pods.record { $0.direction == .inbound }
    #expect(record.refusal == .noPolicyAllows)
    #expect(record.source.identity == pods.clientIdentity)
  }

  @Test func aPolicyThatStillAllowsLeavesLiveConnectionsAlone() async throws {
    let pods = try await TwoPods()
    let client = try await pods.dial()
    try await client.send([1])
    let (server, _) = try await pods.accept()
    #expect(try await server.receive() == [1])
    var match = Authorization.Match()
    match.principals = [.exact(pods.clientIdentity.principal)]
    let clients = Authorization(
      name: "clients", namespace: "b", scope: .workloadSelector, action: .allow,
      rules: [.init(clauses: [.init(matches: [match])])])
    pods.publish(endpoints: [pods.serverAddress], policies: [clients], bound: ["b/clients"])
    try await client.send([2])
    #expect(try await server.receive() == [2])
    // A policy that is named and has not arrived denies, also what lives.
    pods.publish(endpoints: [pods.serverAddress], policies: [clients], bound: ["b/clients", "b/late"])
    await #expect(throws: SystemError.self) { _ = try await client.receive() }
    let record = try await pods.record { $0.direction == .inbound }
    #expect(record.refusal == .policyUnknown("b/late"))
  }

  @Test func rotationReplacesTunnelsAndKeepsConnections() async throws {
    let pods = try await TwoPods()
    let client = try await pods.dial()
    try await client.send([1])
    let (server, _) = try await pods.accept()
    #expect(try await server.receive() == [1])
    try pods.publishCredentials(pods.clientIdentity, to: pods.clientWorker, generation: 2)
    try pods.publishCredentials(pods.serverIdentity, to: pods.serverWorker, generation: 2)

    let second = try await pods.dial()
    try await second.send([2])
    let (other, _) = try await pods.accept()
    #expect(try await other.receive() == [2])
    try await client.send([3])
    #expect(try await server.receive() == [3])
    try await server.send([4])
    #expect(try await client.receive() == [4])
  }

  @Test func aPodThatLeavesTakesItsConnectionsAlong() async throws {
    let pods = try await TwoPods()
    let client = try await pods.dial()
    try await client.send([1])
    let (server, _) = try await pods.accept()
    _ = try await server.receive()
    await pods.serverWorker.withdraw(uid: "server")
    await #expect(throws: SystemError.self) { _ = try await client.receive() }
    let report = await pods.serverWorker.report()
    #expect(report.connections == 0)
    #expect(report.servedTunnels == 0)
  }
}

extension ConnectionRecord {
  /// Why this end refused it; nil for any other outcome.
  fileprivate var refusal: RefusalReason? {
    if case .refused(let reason, peer: false) = outcome { reason } else { nil }
  }
}
