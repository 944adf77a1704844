public import Bytes

/// For how long a client may keep its connection waiting, between requests and before their heads are whole.
/// No clock: time is an argument.
public struct Patience: Sendable {
  private let limits: HTTPLimits
  private let opened: Instant
  private var head: (number: Int, since: Instant)?
  private var restSince: Instant?
  private var closingSince: Instant?
  private var finishedSince: Instant?

  public init(_ limits: HTTPLimits, at now: Instant) {
    self.limits = limits
    opened = now
  }

  /// Looks at the connection after something has happened to it. `isBusy`: requests are under way;
  /// `lastWritten`: when the client last took a byte. What to do at which time if nothing else happens; nil
  /// for nothing.
  public mutating func look(
    at connection: ServerConnection, isBusy: Bool, lastWritten: Instant, now: Instant
  ) -> (when: Instant, end: ConnectionEnd)? {
    if connection.isFinished {
      let since = finishedSince ?? now
      finishedSince = since
      return (since + limits.lingerTimeout, .linger)
    }
    if connection.isClosing {
      let since = closingSince ?? now
      closingSince = since
      return (max(since, lastWritten) + limits.stallTimeout, .unreadResponse)
    }
    if isBusy { restSince = nil } else if restSince == nil { restSince = now }
    if let number = connection.headUnderWay {
      if head?.number != number { head = (number, number == 0 ? opened : now) }
    } else {
      head = nil
    }
    if let head { return (head.since + limits.headTimeout, .slowHead) }
    guard let restSince else { return nil }
    // What is left of a request that has been answered is a body, and worth as much patience.
    return connection.isIdle
      ? (restSince + limits.idleTimeout, .idle) : (restSince + limits.stallTimeout, .slowBody)
  }
}
