public import MeshModel

/// What is left of one request: who asked what of whom, what was decided, and how it ended.
public struct RequestRecord: Hashable, Sendable {
  public var origin: Origin
  public var service: ServiceKey?
  /// Where it was last sent.
  public var destination: SocketAddress?
  public var workload: String = ""
  public var method: String
  /// As it came, query included.
  public var path: String
  public var authority: String
  /// `HTTP/1.1` or `HTTP/2`.
  public var version: String
  public var requestID: String = ""
  public var userAgent: String = ""
  /// The rule that decided, as it was written; empty without one.
  public var rule: String = ""
  /// Of the response; 0 when none was sent.
  public var status: Int = 0
  public var grpcStatus: Int?
  public var flags: ResponseFlags = []
  /// Why we answered, in one clause; empty for an answer of the application.
  public var details: String = ""
  public var refusal: RefusalReason?
  /// How often it was sent.
  public var attempts: Int = 0
  /// Of the bodies.
  public var bytesReceived: UInt64 = 0
  public var bytesSent: UInt64 = 0
  /// In nanoseconds, from the head of the request to the end of the response.
  public var duration: UInt64 = 0

  init(_ origin: Origin, method: String, path: String, authority: String, version: String) {
    self.origin = origin
    self.method = method
    self.path = path
    self.authority = authority
    self.version = version
  }
}
