/// What is left of one request: who asked what of whom, what was decided, and how it ended. Each request
/// leaves exactly one.
public struct RequestRecord: Sendable {
  /// What it was.
  public enum Kind: String, Sendable {
    case request
    /// The copy of a request that a rule sends elsewhere.
    case mirror
    /// Refused before it could be read as a request: method and path are not known, or not whole.
    case unread
  }

  public var kind = Kind.request
  /// When its head had been read: wall time, nanoseconds since 1970.
  public var start: Int64 = 0
  public var source: RequestParty
  public var sourceAddress: SocketAddress
  public var service: ServiceKey?
  /// Where it was last sent.
  public var destination: RequestParty?
  public var destinationAddress: SocketAddress?
  /// How it was reached; nil when it was not tried.
  public var destinationSecurity: DestinationSecurity?
  public var method: String
  /// As it came, with its query: what is written leaves that out.
  public var path: String
  public var authority: String
  /// `HTTP/1.1` or `HTTP/2`.
  public var version: String
  public var isGRPC = false
  public var requestID: String = ""
  /// Of the trace; 0 when there is none.
  public var traceHigh: UInt64 = 0
  public var traceLow: UInt64 = 0
  public var userAgent: String = ""
  /// The rule that decided, as it was written; empty without one.
  public var rule: String = ""
  /// Of the response; 0 when none was sent.
  public var status: Int = 0
  public var grpcStatus: Int?
  public var flags: ResponseFlags = []
  /// Why we answered, or why it ended early, in one clause; empty for an answer of the application.
  public var details: String = ""
  /// Why policy, or the endpoint's agent, refused it.
  public var refusal: RefusalReason?
  /// Why its token was not believed: `token-expired`.
  public var tokenFault: String?
  /// The limit of a circuit breaker that left no place: `maxConnections`.
  public var overflow: String?
  /// Why it was not tried again, or not any more: `retry-budget`.
  public var gaveUp: String?
  /// How often it was sent.
  public var attempts: Int = 0
  /// Bytes of the bodies, or of what was spoken after a change of protocol.
  public var bytesReceived: UInt64 = 0
  public var bytesSent: UInt64 = 0
  /// Messages of gRPC.
  public var messagesReceived: UInt64 = 0
  public var messagesSent: UInt64 = 0
  /// In nanoseconds, from the head of the request to the end of the response.
  public var duration: UInt64 = 0
  /// In nanoseconds, from the last time it was sent to the head of the answer; nil without one.
  public var upstreamDuration: UInt64?

  public init(
    source: RequestParty, at sourceAddress: SocketAddress, method: String, path: String, authority: String,
    version: String
  ) {
    self.source = source
    self.sourceAddress = sourceAddress
    self.method = method
    self.path = path
    self.authority = authority
    self.version = version
  }

  /// Why it was refused, as one short token; nil when the application answered, or could not.
  public var reason: String? {
    if let tokenFault { return tokenFault }
    if let refusal { return refusal.description }
    if let overflow { return overflow }
    if kind == .unread { return status == 0 ? "protocol-error" : "protocol-\(status)" }
    return nil
  }
}
