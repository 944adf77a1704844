public import MeshModel

/// How one try of a request ended without an answer that was passed on.
public enum TryResult: Hashable, Sendable {
  /// Nothing reached the application: no connection, or the other side refused with `gone`, `not-ready` or
  /// `connect-refused`.
  case connectFailure
  /// The other side says that it did not look at the request: REFUSED_STREAM, or a GOAWAY that leaves it out.
  case refusedStream
  /// The connection or stream ended before an answer. Was any byte of the request sent?
  case reset(requestSent: Bool)
  /// `perTryTimeout`, with the same question.
  case timedOut(requestSent: Bool)
  /// The head of an answer is here and was not passed on. `grpcStatus` only when it came with the head.
  case answered(status: Int, grpcStatus: Int? = nil, isRatelimited: Bool = false)

  /// The application may have acted on the request.
  var mayHaveActed: Bool {
    switch self {
    case .connectFailure, .refusedStream: false
    case .reset(let sent), .timedOut(let sent): sent
    case .answered: true
    }
  }

  /// What outlier detection hears of it. A refused stream says nothing about the endpoint's health.
  public var observation: Observation? {
    switch self {
    case .connectFailure, .reset: .failed
    case .refusedStream: nil
    case .timedOut: .timedOut
    case .answered(let status, let grpcStatus, _):
      .answered(status: grpcStatus.map(GRPCStatus.httpStatus) ?? status)
    }
  }

  /// For the record when this is how the request ended; nil for an answer.
  public var flag: ResponseFlag? {
    switch self {
    case .connectFailure: .upstreamConnectionFailure
    case .refusedStream: .upstreamRemoteReset
    case .reset: .upstreamConnectionTermination
    case .timedOut: .upstreamRequestTimeout
    case .answered: nil
    }
  }
}

extension RetryCondition {
  /// Does the token cover this end of a try? `5xx` and `gateway-error` cover a missing answer too, as in the
  /// proxies whose tokens these are.
  func covers(_ result: TryResult) -> Bool {
    switch result {
    case .connectFailure:
      [.connectFailure, .resetBeforeRequest, .reset, .serverError, .gatewayError].contains(self)
    case .refusedStream: [.refusedStream, .reset, .serverError, .gatewayError].contains(self)
    case .reset(let sent):
      [.reset, .serverError, .gatewayError].contains(self) || (!sent && self == .resetBeforeRequest)
    case .timedOut: [.reset, .serverError, .gatewayError].contains(self)
    case .answered(let status, let grpcStatus, let isRatelimited):
      isRatelimited ? self == .ratelimited : covers(status: status) || covers(grpcStatus: grpcStatus)
    }
  }

  private func covers(status: Int) -> Bool {
    switch self {
    case .serverError: (500...599).contains(status)
    case .gatewayError: (502...504).contains(status)
    // Only 409 Conflict, as elsewhere.
    case .retriable4xx: status == 409
    case .status(let wanted): status == wanted
    default: false
    }
  }

  private func covers(grpcStatus: Int?) -> Bool {
    switch self {
    case .cancelled: grpcStatus == 1
    case .deadlineExceeded: grpcStatus == 4
    case .resourceExhausted: grpcStatus == 8
    case .internalError: grpcStatus == 13
    case .unavailable: grpcStatus == 14
    default: false
    }
  }

  /// Names the very thing that happened to a request that the application may have acted on. Only such a
  /// token, written in a policy, lets a request be repeated that is not idempotent.
  func names(_ result: TryResult) -> Bool {
    if case .answered = result { return true }
    return self == .reset
  }
}
