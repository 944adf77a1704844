public import Bytes
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

  /// For a request's head, from its first byte, and for the first one from the opening of the connection:
  /// the preface and SETTINGS of HTTP/2 are a part of it. A head is a few packets; who needs longer holds a
  /// place without using it (slowloris).
  public var headTimeout = Interval.seconds(30)
  /// Without a byte of a request's body while it is waited for, and without a byte of a response that the
  /// client takes while there are some: as Envoy's `stream_idle_timeout`, of what the client holds up alone.
  public var stallTimeout = Interval.seconds(300)
  /// The same for streams that may be silent for long, in either direction: gRPC, WebSockets and tunnels.
  public var silenceTimeout = Interval.seconds(3_600)
  /// For a connection on which no request is under way: as Envoy's `idle_timeout`.
  public var idleTimeout = Interval.seconds(3_600)
  /// For a client to take the last words of a connection that ends, and to close it.
  public var lingerTimeout = Interval.seconds(5)

  /// What may wait for clients and for endpoints on one worker, in bytes: some thousand streams with full
  /// windows. Above it the connection that holds the most ends, until there is less.
  public var maximumHeld = 256 << 20

  public init() {}

  var messages: H1Limits {
    var limits = H1Limits()
    limits.maximumHead = maximumHead
    return limits
  }

  /// CONTINUATION frames beyond those that the largest head fills: for peers that cut heads smaller.
  private static let spareContinuations = 8

  var frames: H2Settings {
    var settings = H2Settings()
    settings.streamWindow = streamWindow
    settings.connectionWindow = streamWindow * 4
    settings.maximumFrame = 16 << 10
    settings.maximumHeaderList = UInt32(maximumHead)
    settings.tellsLargeSections = true
    settings.maximumContinuations = maximumHead / Int(settings.maximumFrame) + Self.spareContinuations
    return settings
  }

  /// For the answer, the record and whoever reads them.
  var headExcess: String { "the head is above the limit of \(maximumHead) bytes" }
}
