import H2Engine

/// Why a client's connection was ended, or a request of it, though neither side had said everything; its raw
/// value is the label of metrics.
public enum ConnectionEnd: String, Hashable, Sendable, CaseIterable {
  // Time
  /// A head did not come in time (`HTTPLimits.headTimeout`).
  case slowHead = "slow-head"
  /// A body stopped coming (`stallTimeout`).
  case slowBody = "slow-body"
  /// Nobody took the response (`stallTimeout`).
  case unreadResponse = "unread-response"
  /// A tunnel or a stream of gRPC had nothing to say (`silenceTimeout`).
  case silence
  /// No request (`idleTimeout`).
  case idle
  /// The client did not take the last words, or did not close (`lingerTimeout`).
  case linger

  // What was sent
  /// A head above the limit, where only ending the connection is left: HTTP/1.x.
  case largeHead = "large-head"
  /// It broke a rule of HTTP.
  case protocolError = "protocol-error"
  case rapidReset = "rapid-reset"
  case continuationFlood = "continuation-flood"
  case controlFlood = "control-flood"
  case emptyFrames = "empty-frames"
  case idleFrames = "idle-frames"
  case streamErrors = "stream-errors"
  case tooManyStreams = "too-many-streams"
  case headerBomb = "header-bomb"

  // Memory
  /// It held the most of what waits when there was too much (`maximumHeld`).
  case memory

  /// Those that end single requests.
  public static let ofRequests: [ConnectionEnd] = [.slowBody, .unreadResponse, .silence]

  init(_ error: H2Error) { self = error.abuse.flatMap { Self(rawValue: $0.rawValue) } ?? .protocolError }
}
