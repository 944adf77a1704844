import BPFRuntime
import Bytes
import Proxying
import Reactor
import Testing

@testable import AgentKit

/// The look at a pod's capture from inside, with the real programs in the kernel.
@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "capture needs root"))
struct CaptureCheckTests {
  /// What somebody may detach, and what is said then.
  enum Loss: CaseIterable, CustomTestStringConvertible {
    case connectHook, lookup

    var testDescription: String { "\(self)" }
    var words: String {
      self == .connectHook
        ? "IPv4 connections that it opens pass the agent by"
        : "IPv4 connections that it is called by do not reach the agent"
    }
  }

  @Test func aCapturedPodIsFoundSoAgainAndAgain() async throws {
    let lab = try PodLab()
    defer { lab.close() }
    try await lab.below {
      let agent = try lab.makeAgent()
      try await lab.add(to: agent)
      try await until { await agent.reports().reduce(0) { $0 + $1.captureChecks } >= 3 }
      #expect(await agent.readings().map(\.captureProblem) == [nil])
      #expect(agent.captureViolations == 0)
      // None of it is a connection of the pod.
      #expect(await agent.connections().isEmpty)
      #expect(agent.records.drain().records.isEmpty)
    }
  }

  @Test(arguments: Loss.allCases)
  func aPodThatIsNoLongerCapturedIsToldOf(_ loss: Loss) async throws {
    let lab = try PodLab()
    defer { lab.close() }
    try await lab.below {
      let agent = try lab.makeAgent()
      try await lab.add(to: agent)
      try await until { await agent.reports().reduce(0) { $0 + $1.captureChecks } >= 1 }
      try lab.detach(loss == .connectHook ? "link-connect4" : try lab.podLink())
      try await until { await agent.readings().first?.captureProblem != nil }
      let reading = try #require(await agent.readings().first)
      #expect(reading.captureProblem?.hasPrefix(loss.words) == true)
      #expect(agent.captureViolations == 1)
      let line = PodReadiness(reading, certificate: nil, renewal: nil).line
      #expect(line?.hasPrefix("a/one: not ready: capture does not hold: IPv4") == true)
      await agent.remove(uid: PodLab.uid)
      #expect(await agent.readings().isEmpty)
    }
  }

  @Test func anAgentOutsideTheControlGroupDoesNotLook() async throws {
    let lab = try PodLab()
    defer { lab.close() }
    #expect(!ControlGroup.mayHoldThisProcess(lab.controlGroup))
    try await lab.below { #expect(ControlGroup.mayHoldThisProcess(lab.controlGroup)) }
  }

  /// Asks until it is so; what never becomes so fails here and not by a hanging test.
  private func until(_ holds: () async -> Bool) async throws {
    let end = Clock.now() + .seconds(60)
    while await !holds() {
      try #require(Clock.now() < end)
      await Task.yield()
    }
  }
}
