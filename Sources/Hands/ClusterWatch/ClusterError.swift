public import Fetching
public import Manifests

/// Why the Kubernetes API did not do what was asked.
public enum ClusterError: Error, Sendable, CustomStringConvertible {
  /// The server could not be reached, or broke off.
  case unreachable(FetchError)
  /// It said no. `pause`: the seconds that it asks to wait (Retry-After).
  case refused(request: String, code: Int, status: ClusterStatus, pause: Int?)
  /// What it sent cannot be read.
  case malformed(String)
  /// We cannot prove who we are.
  case credentials(String)

  /// The kind, or the object, is not there.
  public var isAbsent: Bool { code == 404 }
  /// The state to go on from is not kept any more.
  public var isExpired: Bool { code == 410 }
  /// Somebody else was first.
  public var isConflict: Bool { code == 409 }

  public var code: Int? {
    if case .refused(_, let code, _, _) = self { code } else { nil }
  }

  /// Seconds that the server asks to wait.
  var pause: Int? {
    if case .refused(_, _, _, let pause) = self { pause } else { nil }
  }

  public var description: String {
    switch self {
    case .unreachable(let error): "\(error)"
    case .refused(let request, let code, let status, _): "\(request) was answered \(code): \(status.message)"
    case .malformed(let reason): reason
    case .credentials(let reason): "no credentials for the Kubernetes API: \(reason)"
    }
  }
}
