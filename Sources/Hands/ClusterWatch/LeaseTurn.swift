import Bytes

/// Whose turn it is to write, by what a Lease says (coordination.k8s.io/v1). Pure.
///
/// Clocks of several machines are never compared: a holder is late when *we* have seen the same renewal for
/// longer than the lease lasts.
struct LeaseTurn {
  /// How long a holder may be silent.
  static let duration = Interval.seconds(15)
  /// How long we go on without having been able to renew: less, so that no two ever hold it.
  static let deadline = Interval.seconds(10)
  static let retry = Interval.seconds(2)

  let identity: String
  private var seen: (holder: String, renewal: String, at: Instant)?
  private(set) var renewed: Instant?

  init(identity: String) { self.identity = identity }

  enum Step: Hashable {
    /// Write ourselves down as the holder.
    case take
    case wait
  }

  /// What to do after having read the lease; `holder` is empty when nobody holds it.
  mutating func read(holder: String, renewal: String, at now: Instant) -> Step {
    if holder.isEmpty || holder == identity { return .take }
    renewed = nil
    if let seen, seen.holder == holder, seen.renewal == renewal {
      return now - seen.at > Self.duration ? .take : .wait
    }
    seen = (holder, renewal, now)
    return .wait
  }

  mutating func wrote(at now: Instant) { renewed = now }

  /// Another one was first.
  mutating func lost() { renewed = nil }

  func isLeader(at now: Instant) -> Bool { renewed.map { now - $0 < Self.deadline } ?? false }
}
