public import Bytes
public import MeshModel

/// Whether one request is tried again, and when: made when its route is known, asked after every try that
/// failed.
///
/// What reached nobody (`connectFailure`, `refusedStream`, a reset before the request was sent) may be tried
/// again whatever the method. What the application may have acted on is repeated only if the method is
/// idempotent, or a policy was written that names what happened: its status, or `reset`.
public struct RetryPlan: Sendable {
  /// The longest pause, as a multiple of the first one.
  static let longestPause = 10
  /// However many attempts are written: who needs more has an outage.
  static let mostAttempts = 50

  public let rule: RetryRule
  private let isWritten: Bool
  private let isIdempotent: Bool
  /// Retries so far.
  public private(set) var retries = 0
  /// Endpoints that failed, for `Balancer.pick(excluding:)`; empty when they need not be avoided.
  public private(set) var tried: [EndpointHandle] = []
  /// When the request must have ended, with its tries and pauses; nil for never.
  public private(set) var deadline: Instant?
  private let timeout: Interval?

  /// - Parameters:
  ///   - rule: `RouteRule.retry`; nil takes `RetryRule.standard`, which is not a written policy.
  ///   - timeout: `RouteRule.timeout`, in milliseconds.
  public init(_ rule: RetryRule?, method: String, timeout: Int?) {
    self.rule = rule ?? .standard
    isWritten = rule != nil
    isIdempotent = Self.isIdempotent(method)
    self.timeout = timeout.flatMap { $0 > 0 ? Bounds.interval(milliseconds: $0) : nil }
  }

  /// RFC 9110 section 9.2.2.
  public static func isIdempotent(_ method: String) -> Bool {
    switch method {
    case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE": true
    default: false
    }
  }

  /// Is it worth keeping the body?
  public var mayRetry: Bool { rule.attempts > 0 && !rule.conditions.isEmpty }

  /// The client has sent the last byte of the request: from here its timeout counts.
  public mutating func requestEnded(now: Instant) {
    if deadline == nil, let timeout { deadline = now + timeout }
  }

  /// When a try that begins now (or whose request ends now) must have answered: by its own timeout or by the
  /// request's, whichever is first.
  public func tryDeadline(from now: Instant) -> Instant? {
    guard let own = rule.perTryTimeout, own > 0 else { return deadline }
    let end = now + Bounds.interval(milliseconds: own)
    return deadline.map { min($0, end) } ?? end
  }

  /// What to do after a try that failed.
  ///
  /// - Parameters:
  ///   - endpoint: where it was tried; nil when none was found.
  ///   - bodyIsWhole: the request's body, as far as it was read, can be sent again.
  ///   - responseBegan: something of an answer was passed on: nothing can be tried again.
  public mutating func decide(
    after result: TryResult, at endpoint: EndpointHandle?, bodyIsWhole: Bool, responseBegan: Bool = false,
    ledger: RetryLedger, breaker: CircuitBreaker, now: Instant,
    using random: inout some RandomNumberGenerator
  ) -> RetryDecision {
    if responseBegan { return .giveUp(.responseBegan) }
    if let refusal = refusal(result, bodyIsWhole: bodyIsWhole) { return .giveUp(refusal) }
    guard retries < min(rule.attempts, Self.mostAttempts) else { return .giveUp(.attemptsUsedUp) }
    let pause = pause(using: &random)
    if let deadline, now + pause >= deadline { return .giveUp(.noTimeLeft) }
    let place: Place
    do throws(CircuitBreaker.Overflow) {
      place = try breaker.admit(.retries)
    } catch {
      return .giveUp(.tooManyRetries(error))
    }
    guard let grant = ledger.grant(now: now) else { return .giveUp(.budgetUsedUp) }
    retries += 1
    if rule.avoidsTriedEndpoints, let endpoint { tried.append(endpoint) }
    return .retry(RetryTicket(pause: pause, grant: grant, place: place))
  }

  private func refusal(_ result: TryResult, bodyIsWhole: Bool) -> GiveUp? {
    let covering = rule.conditions.filter { $0.covers(result) }
    if rule.attempts <= 0 || covering.isEmpty { return .notRetriable }
    if result.mayHaveActed, !isIdempotent, !(isWritten && covering.contains { $0.names(result) }) {
      return .notIdempotent
    }
    return bodyIsWhole ? nil : .bodyNotKept
  }

  /// At random up to the first pause, which doubles with every retry up to `longestPause` times as much.
  private func pause(using random: inout some RandomNumberGenerator) -> Interval {
    let first = Bounds.interval(milliseconds: rule.backoff)
    let longest = first.nanoseconds * UInt64(min(1 << min(retries, 10), Self.longestPause))
    return Interval(nanoseconds: UInt64.random(in: 0...longest, using: &random))
  }
}

/// The answer of a `RetryPlan`.
public enum RetryDecision: ~Copyable {
  case retry(RetryTicket)
  case giveUp(GiveUp)
}

/// The right to one retry. Kept until that try has ended, it counts against budget and breaker.
public struct RetryTicket: ~Copyable {
  /// Wait so long first.
  public let pause: Interval
  private let grant: RetryLedger.Retry
  private let place: Place

  init(pause: Interval, grant: consuming RetryLedger.Retry, place: consuming Place) {
    self.pause = pause
    self.grant = grant
    self.place = place
  }
}

/// Why a request is not tried again.
public enum GiveUp: Hashable, Sendable {
  /// No token of `retryOn` covers what happened, or retries are off.
  case notRetriable
  /// The application may have acted on it, and repeating could do it twice.
  case notIdempotent
  /// The body was larger than what is kept.
  case bodyNotKept
  case responseBegan
  case attemptsUsedUp
  /// The pause would not end before the request's timeout.
  case noTimeLeft
  case budgetUsedUp
  case tooManyRetries(CircuitBreaker.Overflow)

  /// For the record, besides that of the last try.
  public var flag: ResponseFlag? {
    switch self {
    case .notRetriable, .notIdempotent, .bodyNotKept, .responseBegan: nil
    case .attemptsUsedUp: .upstreamRetryLimitExceeded
    case .noTimeLeft: .upstreamRequestTimeout
    case .budgetUsedUp, .tooManyRetries: .upstreamOverflow
    }
  }

  /// Our name for it, for the record: short and stable.
  public var name: String {
    switch self {
    case .notRetriable: "not-retriable"
    case .notIdempotent: "not-idempotent"
    case .bodyNotKept: "body-not-kept"
    case .responseBegan: "response-began"
    case .attemptsUsedUp: "attempts-used-up"
    case .noTimeLeft: "no-time-left"
    case .budgetUsedUp: "retry-budget"
    case .tooManyRetries: "max-retries"
    }
  }
}
