public import Bytes

/// What a side of an HBONE session announces and keeps: the numbers of the ambient ecosystem.
public struct HBONELimits: Hashable, Sendable {
  /// Receive window of a stream, in bytes.
  public let streamWindow: Int32
  /// Receive window of the session, in bytes: four streams' worth, because equal windows let one stalled
  /// stream stop all others.
  public let connectionWindow: Int32
  /// The largest frame accepted, in bytes.
  public let maximumFrame: UInt32
  /// The largest field section accepted, in bytes.
  public let maximumHeaderList: UInt32
  /// Streams: for the server what it lets a peer open, for the client what it opens at most itself.
  public let concurrentStreams: UInt32

  public static let client = HBONELimits(
    streamWindow: 4 << 20, connectionWindow: 16 << 20, maximumFrame: 1 << 20, maximumHeaderList: 16 << 10,
    concurrentStreams: 100)

  public static let server = HBONELimits(
    streamWindow: 4 << 20, connectionWindow: 16 << 20, maximumFrame: 1 << 20, maximumHeaderList: 64 << 10,
    concurrentStreams: 200)
}

/// Times that HBONE peers agree on.
public enum HBONETimes {
  /// A PING follows this long after the start and after each pong.
  public static let pingAfter = Interval.seconds(10)
  /// No pong for this long after a PING: the session is dead.
  public static let silenceKills = Interval.seconds(20)
  /// An outbound session without a stream is closed after this.
  public static let idleSession = Interval.seconds(300)
  /// An inbound session without a stream is told to end after this: twice the dialer's own time, so that
  /// dialers close first, and nobody asks for a stream that is being refused.
  public static let idleServedSession = Interval.seconds(600)
  /// For the peer to close an inbound session that was told to end.
  public static let idleGrace = Interval.seconds(30)
}

/// Names of the fields that HBONE adds to CONNECT.
public enum HBONEField {
  public static let baggage = "baggage"
  public static let forwarded = "forwarded"
  public static let traceparent = "traceparent"
  /// Why a tunnel is refused, as `MeshModel.RefusalReason` spells it.
  public static let reason = "x-apus-reason"
  /// The original client's SPIFFE id, from a waypoint to the destination's agent.
  public static let source = "x-apus-source"
}
