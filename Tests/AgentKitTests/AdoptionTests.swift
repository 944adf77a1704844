import BPFRuntime
import Enrollment
import Glibc
import Logging
import MeshModel
import Netlink
import Reactor
import Testing

@testable import AgentKit

/// Pods that a former agent left captured in the kernel.
@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "capture needs root"))
struct AdoptionTests {
  /// A pod whose enrollment fails, here because its own process holds the agent's port, must stay captured:
  /// the end of the pod list is no leave to go in the clear.
  @Test func aPodThatCannotBeServedStaysCaptured() async throws {
    let lab = try PodLab()
    defer { lab.close() }
    let squatter = try lab.enrollWithFormerAgent()
    let agent = try lab.makeAgent()

    await agent.beginSession()
    await #expect(throws: (any Error).self) { try await lab.add(to: agent) }
    await agent.completePodList()
    #expect(try lab.isCaptured())

    _ = consume squatter
    try await lab.add(to: agent)
    await agent.completePodList()
    #expect(try lab.isCaptured())
    await agent.remove(uid: PodLab.uid)
    #expect(try !lab.isCaptured())
  }

  /// KeepWorkload names a pod without its namespace: which of the captured ones it is, nobody knows.
  @Test func aPodThatIsKeptUnseenStaysCaptured() async throws {
    let lab = try PodLab()
    defer { lab.close() }
    _ = try lab.enrollWithFormerAgent()
    let agent = try lab.makeAgent()

    await agent.beginSession()
    await #expect(throws: AgentError.self) { try await agent.keep(uid: PodLab.uid) }
    await agent.completePodList()
    #expect(try lab.isCaptured())
  }

  @Test func aPodThatIsNotNamedIsLetGo() async throws {
    let lab = try PodLab()
    defer { lab.close() }
    _ = try lab.enrollWithFormerAgent()
    let agent = try lab.makeAgent()
    await agent.beginSession()
    await agent.completePodList()
    #expect(try !lab.isCaptured())
  }
}
