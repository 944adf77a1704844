import Bytes

/// How many connections met a limit of the data path, by limit, since the worker's start.
public struct TurnedAway: Sendable {
  /// Which limit, as metrics name it.
  public enum Limit: String, CaseIterable, Sendable {
    /// Live connections of a pod.
    case connections
    /// Connections of a pod that wait for the mesh, for credentials or for a tunnel.
    case waiting
    /// Handshakes of one source address at a pod.
    case handshakesOfSource = "handshakes_of_source"
    /// Handshakes at a pod: the oldest made room for another.
    case handshakes
    /// Tunnels of peers that have proved their identity.
    case tunnels
    /// What a worker keeps of requests: the connection will not outlive its waypoint.
    case keptRequests = "kept_requests"
  }

  /// What the record of a connection says that may not wait.
  static let tooManyWait = "\(Limits.waitingPerPod) connections of the pod wait already"

  private var counts = [UInt64](repeating: 0, count: Limit.allCases.count)

  public subscript(limit: Limit) -> UInt64 {
    Limit.allCases.firstIndex(of: limit).map { counts[$0] } ?? 0
  }

  mutating func add(_ limit: Limit) {
    if let index = Limit.allCases.firstIndex(of: limit) { counts[index] += 1 }
  }
}

/// Bounds the records that peers can cause without having proved who they are: whoever opens connections for
/// ever must not fill the log. What is left out is counted and told in the next record.
struct StrangersRecords {
  private var since: Instant
  private var left = Limits.strangersRecords
  private var omitted = 0

  init(at now: Instant) { since = now }

  /// Nil when no record is to be left, else what was said with the note of those left out before.
  mutating func admit(_ text: String, at now: Instant) -> String? {
    if now - since >= Limits.strangersRecordsPeriod {
      since = now
      left = Limits.strangersRecords
    }
    guard left > 0 else {
      omitted += 1
      return nil
    }
    left -= 1
    defer { omitted = 0 }
    return omitted == 0 ? text : "\(text) (\(omitted) more peers that proved no identity left no record)"
  }
}
