/// A limit against floods that a peer met, so that its session ended.
public enum H2Abuse: String, Hashable, Sendable, CaseIterable {
  /// Streams opened and reset faster than `H2Settings.resetBurst` allows (CVE-2023-44487).
  case rapidReset = "rapid-reset"
  /// More CONTINUATION frames than `maximumContinuations` (CVE-2024-28182).
  case continuations = "continuation-flood"
  /// PING or SETTINGS faster than they can be answered (`maximumUnsentAcknowledgements`, CVE-2019-9512,
  /// CVE-2019-9515).
  case acknowledgements = "control-flood"
  /// DATA frames without a byte (`maximumEmptyFrames`, CVE-2019-9518).
  case emptyFrames = "empty-frames"
  /// Frames that move nothing (`maximumIdleFrames`, CVE-2019-9513).
  case idleFrames = "idle-frames"
  /// Frames that break a rule of their stream (`maximumStreamErrors`, CVE-2025-8671).
  case streamErrors = "stream-errors"
  /// More streams at once than `maximumConcurrentStreams`.
  case streams = "too-many-streams"
  /// A field section that grows far above `maximumHeaderList` when it is decoded (CVE-2016-6581).
  case fields = "header-bomb"
}
