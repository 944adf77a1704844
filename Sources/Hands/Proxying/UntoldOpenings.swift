import Bytes

/// Connections that have opened and of which no record has told yet. Most connections are short: one that
/// ends within the moment leaves one record in place of two.
struct UntoldOpenings {
  /// How long they are kept back at most.
  static let moment = Interval.milliseconds(500)

  private var tokens: [UInt64] = []
  /// When those that are here are to be told; nil when there are none.
  private(set) var deadline: Instant?

  /// By the token, which a successor in the same slot does not share.
  mutating func add(_ token: UInt64, at now: Instant) {
    tokens.append(token)
    if deadline == nil { deadline = now + Self.moment }
  }

  /// Those whose moment has come.
  mutating func take(at now: Instant) -> [UInt64] {
    guard let deadline, deadline <= now else { return [] }
    defer { tokens.removeAll(keepingCapacity: true) }
    self.deadline = nil
    return tokens
  }
}
