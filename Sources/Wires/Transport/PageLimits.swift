public import Bytes
import H1Engine

/// What the readers of pages may use.
public struct PageLimits: Hashable, Sendable {
  /// Connections at once: probes and scrapers are few. One more is closed at once and counted.
  public var connections = 64
  /// From accept to the end of a connection, whatever is on its way.
  public var lifetime: Interval = .seconds(30)

  public init() {}

  /// Nobody has reason to send a page's server more than a probe's head.
  var messages: H1Limits {
    var limits = H1Limits()
    limits.maximumHead = 16 << 10
    limits.maximumBody = 64 << 10
    return limits
  }
}
