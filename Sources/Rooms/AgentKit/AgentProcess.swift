import BPFRuntime
import Glibc
public import Logging
import MeshModel
import Reactor

/// An agent as a process: start, serve until SIGTERM or SIGINT, drain, end.
public enum AgentProcess {
  /// - Throws: `AgentError`, in one sentence, when it cannot start.
  public static func run(_ configuration: AgentConfiguration, log: Logger) async throws {
    ProcessSetup.harden()
    guard ProcessSetup.isRoot else {
      throw AgentError(
        .unprivileged, "it needs root: capturing connections takes CAP_NET_ADMIN, CAP_BPF and CAP_SYS_ADMIN")
    }
    let signals = try SignalWatch([SIGTERM, SIGINT])
    let thread = try ReactorThread(name: "agent")
    _ = try await signals.next(on: thread)
  }
}
