public import Bytes

/// When to PING an HBONE session and when to give it up: pure, on the owner's clock.
///
/// A PING follows 10 seconds after the start and after each pong; 20 seconds after a PING without its pong
/// the session is dead.
public struct Keepalive: Hashable, Sendable {
  /// What is to be done now.
  public enum Step: Hashable, Sendable {
    case nothing
    /// Send a PING of this payload.
    case ping(UInt64)
    /// The peer is silent: drop the session.
    case dead
  }

  private enum State: Hashable, Sendable {
    case quiet(until: Instant)
    case waiting(until: Instant)
    case dead
  }

  private var state: State
  private var count: UInt64 = 0
  private let pingAfter: Interval
  private let silenceKills: Interval

  public init(
    at now: Instant, pingAfter: Interval = HBONETimes.pingAfter,
    silenceKills: Interval = HBONETimes.silenceKills
  ) {
    self.pingAfter = pingAfter
    self.silenceKills = silenceKills
    state = .quiet(until: now + pingAfter)
  }

  /// When `advance` has something to do; nil once dead.
  public var deadline: Instant? {
    switch state {
    case .quiet(let until), .waiting(let until): until
    case .dead: nil
    }
  }

  /// The step that is due. `dead` is said again each time.
  public mutating func advance(to now: Instant) -> Step {
    switch state {
    case .quiet(let until):
      guard now >= until else { return .nothing }
      count += 1
      state = .waiting(until: now + silenceKills)
      return .ping(count)
    case .waiting(let until):
      guard now >= until else { return .nothing }
      state = .dead
      return .dead
    case .dead: return .dead
    }
  }

  /// A pong arrived; one that answers no PING under way changes nothing.
  public mutating func pong(_ payload: UInt64, at now: Instant) {
    guard case .waiting = state, payload == count else { return }
    state = .quiet(until: now + pingAfter)
  }
}
