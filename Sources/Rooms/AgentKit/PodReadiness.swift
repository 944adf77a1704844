import Issuance
import MeshModel

/// Whether the mesh serves one pod: not whether the pod's application is well, which its own probes tell, and
/// never a matter of another pod.
struct PodReadiness: Hashable, Sendable {
  /// What the agent knows of a pod.
  struct Reading: Hashable, Sendable {
    var uid: String
    /// `namespace/name`.
    var workload: String
    var identity: Identity
    /// The control plane has told of it.
    var isKnown: Bool
    /// Why capture does not hold, as seen from inside the pod's namespace.
    var captureProblem: String?
  }

  let reading: Reading
  /// Why its connections are refused or wait; nil when they are served.
  let problem: String?
  /// What will become a problem unless it ends: a certificate that cannot be renewed.
  let warning: String?

  init(_ reading: Reading, certificate: IdentityStatus.State?, renewal: String?) {
    self.reading = reading
    (problem, warning) = Self.judge(reading, certificate, renewal)
  }

  private static func judge(
    _ reading: Reading, _ certificate: IdentityStatus.State?, _ renewal: String?
  ) -> (String?, String?) {
    if let problem = reading.captureProblem { return ("capture does not hold: \(problem)", nil) }
    guard reading.isKnown else { return ("the control plane has not told of it yet", nil) }
    return switch certificate {
    case nil, .initializing: ("no certificate yet for \(reading.identity)", nil)
    case .unavailable(let reason): ("no valid certificate for \(reading.identity): \(reason)", nil)
    case .available:
      (nil, renewal.map { "the certificate of \(reading.identity) is not renewed: \($0)" })
    }
  }

  /// `namespace/name: ` and what is wrong; nil when nothing is.
  var line: String? {
    if let problem { return "\(reading.workload): not ready: \(problem)" }
    return warning.map { "\(reading.workload): ready, but \($0)" }
  }

  /// Every pod with the standing of its identity, in the order of the readings.
  static func all(_ readings: [Reading], _ statuses: [IdentityStatus]) -> [PodReadiness] {
    let known = Dictionary(statuses.map { ($0.identity, $0) }) { first, _ in first }
    return readings.map { reading in
      let status = known[reading.identity]
      return PodReadiness(
        reading, certificate: status?.state, renewal: status?.problem.map(\.description))
    }
  }
}
