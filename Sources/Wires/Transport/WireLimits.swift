public import Bytes
import H2Engine

/// What one connection of the control protocols may use, and how long it may take.
public struct WireLimits: Hashable, Sendable {
  /// From accept or connect to the end of the TLS handshake.
  public var handshake: Interval = .seconds(10)
  /// Calls that a client may have open at once on one connection.
  public var streams = 100
  /// The largest message received, in bytes; a method may ask for less.
  public var message = 200 << 20
  /// Outgoing bytes of one stream that may wait before a sender waits too.
  public var queue = 1 << 20
  /// Silence after which a PING asks whether the peer is there.
  public var pingAfter: Interval = .seconds(30)
  /// Silence after a PING that ends the connection.
  public var pongWithin: Interval = .seconds(10)

  public init() {}

  var settings: H2Settings {
    var settings = H2Settings()
    settings.streamWindow = 1 << 20
    settings.connectionWindow = 8 << 20
    settings.maximumFrame = 1 << 18
    settings.maximumHeaderList = 32 << 10
    settings.maximumConcurrentStreams = UInt32(streams)
    settings.resetBurst = 1_000
    settings.resetsPerSecond = 33
    return settings
  }
}
