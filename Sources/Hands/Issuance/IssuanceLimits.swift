public import Bytes

/// How fast and how often certificates are asked for.
public struct IssuanceLimits: Hashable, Sendable {
  /// Fetches at the same time; what the ecosystem's agents do.
  public var concurrency = 8
  /// The first pause after a failure, when a valid certificate is there.
  public var firstPause: Interval = .seconds(1)
  /// The first pause of an identity without one: pods wait for it.
  public var firstUrgentPause: Interval = .milliseconds(100)
  /// The longest pause.
  public var longestPause: Interval = .seconds(150)
  /// The longest pause of an identity without a certificate while the authority cannot be reached at all: as
  /// long as discovery waits between its attempts.
  public var longestUrgentPause: Interval = .seconds(15)
  /// Pauses vary by this share, each way.
  public var pauseJitter = 0.2
  /// The moment of renewal varies by this share of the half life, each way.
  public var renewalJitter = 0.05
  /// A certificate that lives shorter than two of these is not renewed faster.
  public var shortestRenewal: Interval = .seconds(1)
  /// When the roots have been replaced, every certificate is renewed, spread over this time.
  public var spread: Interval = .seconds(5)
  /// One fetch, from opening the call to its answer.
  public var fetch: Interval = .seconds(15)
  /// How often the wall clock and the file of roots are looked at.
  public var recheck: Interval = .seconds(10)

  public init() {}
}
