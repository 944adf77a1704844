import H1Engine
import H2Engine

/// Limits of one connection.
public struct HTTPLimits: Hashable, Sendable {
  /// A head, in bytes, at most 1 MiB; more is answered 431.
  public var maximumHead = 64 << 10
  /// Requests at once on one HTTP/2 connection.
  public var maximumStreams: UInt32 = 100
  /// The receive window of one HTTP/2 stream, in bytes: what may wait for a slow other side.
  public var streamWindow: Int32 = 256 << 10

  public init() {}

  var messages: H1Limits {
    var limits = H1Limits()
    limits.maximumHead = maximumHead
    return limits
  }

  var frames: H2Settings {
    var settings = H2Settings()
    settings.streamWindow = streamWindow
    settings.connectionWindow = streamWindow * 4
    settings.maximumFrame = 16 << 10
    settings.maximumHeaderList = UInt32(maximumHead)
    return settings
  }
}
