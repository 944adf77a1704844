/// What the authority grants at most. Lifetimes are in seconds.
public struct AuthorityLimits: Hashable, Sendable {
  /// Of a certificate whose request names no lifetime: a day.
  public static let usualLifetime: Int64 = 86_400
  /// Nobody gets longer, whatever is configured: 90 days, as the ecosystem has it.
  public static let hardLifetime: Int64 = 90 * 86_400
  /// The largest request message, in bytes: a signing request is below 16 KiB.
  public static let maximumRequest = 64 << 10

  /// A request for more is refused; at most `hardLifetime`.
  public let maximumLifetime: Int64
  /// Every certificate lives at most this long, also when more is asked for; nil for no such cut.
  public let leafLifetime: Int64?
  /// Certificates a second that one caller may ask for in the long run.
  public let perSecond: Int
  /// And at once: a node that starts asks for all its pods.
  public let burst: Int

  /// Values outside their bounds are brought to the next bound.
  public init(
    maximumLifetime: Int64 = hardLifetime, leafLifetime: Int64? = nil, perSecond: Int = 50, burst: Int = 500
  ) {
    self.maximumLifetime = min(max(maximumLifetime, 1), Self.hardLifetime)
    self.leafLifetime = leafLifetime.map { min(max($0, 1), Self.hardLifetime) }
    self.perSecond = max(perSecond, 1)
    self.burst = max(burst, 1)
  }

  /// What is granted for `asked` (0: nothing was said); nil when it is refused.
  func lifetime(asked: Int64) -> Int64? {
    guard asked >= 0, asked <= maximumLifetime else { return nil }
    let granted = asked == 0 ? min(Self.usualLifetime, maximumLifetime) : asked
    return min(granted, leafLifetime ?? granted)
  }
}
