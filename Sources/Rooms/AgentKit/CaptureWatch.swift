import Logging
import Proxying
import Synchronization

/// What the workers have found of their pods' capture: whose does not hold, and how often that began.
final class CaptureWatch: Sendable {
  private struct State {
    var problems: [String: String] = [:]
    var violations: UInt64 = 0
  }

  private static let remedy =
    "restart this node's agent, which attaches its programs again; `bpftool cgroup tree` and `bpftool net` "
    + "show who is attached"

  private let log: Logger
  private let state = Mutex(State())

  init(log: Logger) { self.log = log }

  /// From any thread.
  func take(_ finding: CaptureFinding) {
    state.withLock {
      $0.problems[finding.uid] = finding.problem
      if finding.problem != nil { $0.violations += 1 }
    }
    if let problem = finding.problem {
      log.error(
        "capture does not hold",
        metadata: ["pod": "\(finding.workload)", "error": "\(problem)", "remedy": "\(Self.remedy)"])
    } else {
      log.notice("capture holds again", metadata: ["pod": "\(finding.workload)"])
    }
  }

  /// The pod is gone.
  func forget(_ uid: String) { state.withLock { _ = $0.problems.removeValue(forKey: uid) } }

  func problem(of uid: String) -> String? { state.withLock { $0.problems[uid] } }

  var violations: UInt64 { state.withLock { $0.violations } }
}
