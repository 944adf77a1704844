/// What this side of a session promises and tolerates; every limit of the engine is here.
public struct H2Settings: Hashable, Sendable {
  /// Receive window of each stream, in bytes (SETTINGS_INITIAL_WINDOW_SIZE).
  public var streamWindow: Int32 = 4 << 20
  /// Receive window of the session, in bytes; at least 65,535. Four streams' worth, because equal windows let
  /// one stalled stream stop all others.
  public var connectionWindow: Int32 = 16 << 20
  /// The largest frame payload accepted, in bytes: 16,384 to 16,777,215 (SETTINGS_MAX_FRAME_SIZE).
  public var maximumFrame: UInt32 = 1 << 20
  /// The largest field section accepted, in bytes counted as RFC 9113 section 6.5.2 does: a larger one resets
  /// its stream with ENHANCE_YOUR_CALM.
  public var maximumHeaderList: UInt32 = 64 << 10
  /// Larger sections are told (`H2Event.tooLarge`) and left to the owner, who may answer them.
  public var tellsLargeSections = false
  /// A section that grows above so many times `maximumHeaderList` ends the session: nobody sends such fields
  /// but to make work, by few bytes that stand for many.
  public var decodingFactor = 4
  /// Streams that the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS); more end the session, or
  /// are refused while the peer cannot know the limit yet. Clients announce none: there is no push.
  public var maximumConcurrentStreams: UInt32 = 200
  /// A server takes CONNECT with `:protocol`, and says so (SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 8441).
  public var takesExtendedConnect = false
  /// A server that has ended a response resets the stream with NO_ERROR where the client has not ended its
  /// request: nobody reads the rest (RFC 9113 section 8.1). Not for tunnels, whose sides end one by one.
  public var endsUnreadRequests = false
  /// RST_STREAM frames that a client may send at once, and per second after that, before the session ends
  /// with ENHANCE_YOUR_CALM (CVE-2023-44487). Tunnels carry the resets of applications, so this is far above
  /// nghttp2's own 1,000 and 33.
  public var resetBurst: UInt64 = 10_000
  public var resetsPerSecond: UInt64 = 2_000
  /// PING and SETTINGS acknowledgements that may wait to be sent before the session ends.
  public var maximumUnsentAcknowledgements: Int = 1_000
  /// Entries of one SETTINGS frame.
  public var maximumSettings: Int = 32
  /// CONTINUATION frames after one HEADERS frame (CVE-2024-28182).
  public var maximumContinuations: Int = 8
  /// DATA frames without a byte and without END_STREAM, in a row, before the session ends (CVE-2019-9518).
  public var maximumEmptyFrames: Int = 100
  /// Frames that break a rule of their stream only, over the session's life, before the session ends: each
  /// makes us reset a stream (CVE-2025-8671).
  public var maximumStreamErrors: Int = 1_000
  /// WINDOW_UPDATE and PRIORITY frames above what the session's work explains, before it ends. Each
  /// field section received and each DATA frame sent explains `framesPerWork` of them.
  public var maximumIdleFrames: Int = 10_000
  public var framesPerWork: Int = 16
  /// The largest DATA payload sent once a flow has filled a 16 KiB frame, if the peer takes such frames: with
  /// its header exactly four full TLS records.
  public var maximumDataPayload: Int = (64 << 10) - 9

  public init() {}
}
