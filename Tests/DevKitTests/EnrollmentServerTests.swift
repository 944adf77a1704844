import Bytes
import Foundation
import MeshAPI
import Reactor
import SwiftProtobuf
import Testing

@testable import DevKit

/// The agent's side of the protocol, as slow and as wrong as a test wants it.
private final class PlayedAgent: Sendable {
  private let packets: SeqPacket
  private let thread: ReactorThread

  init(_ path: String, on thread: ReactorThread) async throws {
    packets = try SeqPacket.connect(to: path)
    self.thread = thread
    _ = try packets.send(try Istio_Workload_Zds_ZdsHello.with { $0.version = .v1 }.serializedBytes())
  }

  func next() async throws -> (request: Istio_Workload_Zds_WorkloadRequest, descriptors: Int) {
    while true {
      if let message = try packets.receive(upTo: 1024) {
        guard !message.isEnd else { throw DevError.failed("the server has left") }
        return (try .init(serializedBytes: message.bytes), message.descriptorCount)
      }
      _ = try await thread.ready(packets.descriptor, for: [.readable, .peerClosed])
    }
  }

  func answer(_ error: String = "") throws {
    _ = try packets.send(
      try Istio_Workload_Zds_WorkloadResponse.with { $0.ack.error = error }.serializedBytes())
  }
}

@Suite struct EnrollmentServerTests {
  private let thread: ReactorThread
  private let path: String
  private let server: EnrollmentServer
  private let running: Task<Void, Never>

  init() throws {
    thread = try ReactorThread(name: "zds-test")
    path = NSTemporaryDirectory() + "apus-t-\(UInt32.random(in: 0 ... .max)).sock"
    let server = try EnrollmentServer(path: path, bell: Doorbell(on: thread), on: thread)
    self.server = server
    running = Task { await server.run() }
  }

  private func end() {
    running.cancel()
    try? FileManager.default.removeItem(atPath: path)
  }

  private func pod(_ uid: String) -> EnrolledPod {
    EnrolledPod(
      uid: uid, name: "web-\(uid)", namespace: "production", serviceAccount: "web-sa",
      network: "/proc/self/ns/net")
  }

  @Test func handsOverEachPodWithItsNamespaceAndWaitsForTheAnswer() async throws {
    let agent = try await PlayedAgent(path, on: thread)
    #expect(try await agent.next().request.payload == .snapshotSent(.init()))
    try agent.answer()
    let enrolling = Task { try await server.enroll(pod("1")) }
    let (request, descriptors) = try await agent.next()
    #expect(descriptors == 1)
    #expect(request.add.uid == "1")
    #expect(request.add.workloadInfo.name == "web-1")
    #expect(request.add.workloadInfo.namespace == "production")
    #expect(request.add.workloadInfo.serviceAccount == "web-sa")
    try agent.answer()
    try await enrolling.value
    #expect(await server.isSynchronized)
    end()
  }

  @Test func aRefusalIsTold() async throws {
    let agent = try await PlayedAgent(path, on: thread)
    _ = try await agent.next()
    try agent.answer()
    let enrolling = Task { () -> DevError? in
      do throws(DevError) { try await server.enroll(pod("1")) } catch { return error }
      return nil
    }
    _ = try await agent.next()
    try agent.answer("no such file")
    #expect(await enrolling.value?.description.contains("no such file") == true)
    // Asked again, it asks the agent again.
    let again = Task { try await server.enroll(pod("1")) }
    #expect(try await agent.next().request.add.uid == "1")
    try agent.answer()
    try await again.value
    end()
  }

  @Test func anAgentThatComesAgainGetsEveryPodBeforeTheSnapshot() async throws {
    do {
      let agent = try await PlayedAgent(path, on: thread)
      _ = try await agent.next()
      try agent.answer()
      for uid in ["1", "2"] {
        let enrolling = Task { try await server.enroll(pod(uid)) }
        _ = try await agent.next()
        try agent.answer()
        try await enrolling.value
      }
    }
    let successor = try await PlayedAgent(path, on: thread)
    var uids: Set<String> = []
    for _ in 0..<2 {
      uids.insert(try await successor.next().request.add.uid)
      #expect(await !server.isSynchronized)
      try successor.answer()
    }
    #expect(uids == ["1", "2"])
    #expect(try await successor.next().request.payload == .snapshotSent(.init()))
    try successor.answer()
    end()
  }

  @Test func aWithdrawalReachesEveryAgent() async throws {
    let first = try await PlayedAgent(path, on: thread)
    _ = try await first.next()
    try first.answer()
    let enrolling = Task { try await server.enroll(pod("1")) }
    _ = try await first.next()
    try first.answer()
    try await enrolling.value
    let second = try await PlayedAgent(path, on: thread)
    #expect(try await second.next().request.add.uid == "1")
    try second.answer()
    _ = try await second.next()
    try second.answer()
    let withdrawing = Task { await server.withdraw("1") }
    for agent in [first, second] {
      #expect(try await agent.next().request.del.uid == "1")
      try agent.answer()
    }
    await withdrawing.value
    end()
  }
}
