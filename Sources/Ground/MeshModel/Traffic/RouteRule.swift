/// One rule for requests: an element of `VirtualService.http`, or a match of an HTTPRoute's or GRPCRoute's
/// rule with what that rule does.
public struct RouteRule: Hashable, Sendable, Codable {
  /// For records and people: `VirtualService production/order-service http[0]`.
  public var origin: String
  /// Alternatives; none match every request.
  public var matches: [RequestMatch]
  public var action: Action
  public var fault: Fault?
  public var cors: CORSRule?
  /// Of the whole request with its retries, in milliseconds; nil for none. Counts from the request's last
  /// byte on its way to the end of the response, as elsewhere.
  public var timeout: Int?
  /// Nil takes the ecosystem's default: 2 retries on connect-failure, refused-stream, unavailable, cancelled.
  public var retry: RetryRule?
  public var headers: HeaderChanges
  public var mirrors: [Mirror]

  /// What becomes of a request that matches.
  /// What becomes of a request that matches.
  public enum Action: Hashable, Sendable, Codable {
    case forward(Forward)
    case redirect(Redirect)
    case respond(DirectResponse)
  }

  public init(
    origin: String, matches: [RequestMatch] = [], action: Action, fault: Fault? = nil,
    cors: CORSRule? = nil, timeout: Int? = nil, retry: RetryRule? = nil,
    headers: HeaderChanges = HeaderChanges(), mirrors: [Mirror] = []
  ) {
    self.origin = origin
    self.matches = matches
    self.action = action
    self.fault = fault
    self.cors = cors
    self.timeout = timeout
    self.retry = retry
    self.headers = headers
    self.mirrors = mirrors
  }
}

/// Where matching requests go.
public struct Forward: Hashable, Sendable, Codable {
  /// Weights are shares of their sum; those of 0 get nothing, and without a sum every request is answered
  /// `noBackendStatus`.
  public var backends: [Backend]
  public var rewrite: Rewrite?
  /// 503 for a VirtualService, 500 for an HTTPRoute.
  public var noBackendStatus: Int

  public init(backends: [Backend], rewrite: Rewrite? = nil, noBackendStatus: Int = 503) {
    self.backends = backends
    self.rewrite = rewrite
    self.noBackendStatus = noBackendStatus
  }
}

/// A service to forward to, or a share of requests that is failed because what was written cannot be found.
public struct Backend: Hashable, Sendable, Codable {
  /// Nil: the share is answered `Forward.noBackendStatus`.
  public var service: ServiceKey?
  /// Nil: the port at which the request was addressed.
  public var port: UInt16?
  /// Name of a subset of the service's `DestinationTraffic`; nil for all endpoints.
  public var subset: String?
  public var weight: UInt32
  public var headers: HeaderChanges

  public init(
    service: ServiceKey?, port: UInt16? = nil, subset: String? = nil, weight: UInt32 = 1,
    headers: HeaderChanges = HeaderChanges()
  ) {
    self.service = service
    self.port = port
    self.subset = subset
    self.weight = weight
    self.headers = headers
  }
}

/// `rewrite`, `uriRegexRewrite`, and the Gateway API's URLRewrite.
public struct Rewrite: Hashable, Sendable, Codable {
  /// What becomes of the path.
  /// What becomes of the path.
  public enum Path: Hashable, Sendable, Codable {
    /// Replaces the whole path; the query stays.
    case whole(String)
    /// Replaces what the rule's prefix matched, textually (VirtualService).
    case prefix(String)
    /// Replaces a prefix of whole segments (Gateway API).
    case segments(String)
    /// Replaces every match of an expression (RE2); `\1` stands for a group.
    case expression(String, substitution: String)
  }

  public var path: Path?
  public var authority: String?

  public init(path: Path? = nil, authority: String? = nil) {
    self.path = path
    self.authority = authority
  }
}

/// An answer that sends the client elsewhere; what is nil stays as the request had it.
/// An answer that sends the client elsewhere; what is nil stays as the request had it.
public struct Redirect: Hashable, Sendable, Codable {
  /// The port that the client is sent to.
  /// The port that the client is sent to.
  public enum Port: Hashable, Sendable, Codable {
    case number(UInt16)
    /// 80 or 443 by the scheme.
    case ofScheme
    /// As the request had it.
    case ofRequest
  }

  public var status: Int
  public var path: Rewrite.Path?
  public var authority: String?
  public var scheme: String?
  public var port: Port?

  public init(
    status: Int = 301, path: Rewrite.Path? = nil, authority: String? = nil, scheme: String? = nil,
    port: Port? = nil
  ) {
    self.status = status
    self.path = path
    self.authority = authority
    self.scheme = scheme
    self.port = port
  }
}

/// An answer of the rule's own.
/// An answer of the rule's own.
public struct DirectResponse: Hashable, Sendable, Codable {
  public var status: Int
  /// At most 1 MiB.
  public var body: [UInt8]

  public init(status: Int, body: [UInt8] = []) {
    self.status = status
    self.body = body
  }
}

/// Changes to headers, in this order: remove, set, add. Names in lower case.
public struct HeaderChanges: Hashable, Sendable, Codable {
  /// A header to set or add.
  /// A header to set or add.
  public struct Header: Hashable, Sendable, Codable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// What becomes of the headers of one direction.
  /// What becomes of the headers of one direction.
  public struct Changes: Hashable, Sendable, Codable {
    public var remove: [String] = []
    public var set: [Header] = []
    public var add: [Header] = []
    public init() {}
    public var isEmpty: Bool { remove.isEmpty && set.isEmpty && add.isEmpty }
  }

  public var request = Changes()
  public var response = Changes()

  public init() {}
  public var isEmpty: Bool { request.isEmpty && response.isEmpty }
}

/// A copy of matching requests, whose answers nobody waits for.
public struct Mirror: Hashable, Sendable, Codable {
  public var backend: Backend
  public var share: Share

  public init(backend: Backend, share: Share = .all) {
    self.backend = backend
    self.share = share
  }
}

/// A share of requests, in millionths.
public struct Share: Hashable, Sendable, Codable {
  public var millionths: UInt32
  public static let all = Share(millionths: 1_000_000)
  public static let none = Share(millionths: 0)

  public init(millionths: UInt32) { self.millionths = millionths }
}

/// Trouble made on purpose.
/// Trouble made on purpose.
public struct Fault: Hashable, Sendable, Codable {
  /// Requests are held for a time.
  /// Requests are held for a time.
  public struct Delay: Hashable, Sendable, Codable {
    public var milliseconds: Int
    public var share: Share

    public init(milliseconds: Int, share: Share) {
      self.milliseconds = milliseconds
      self.share = share
    }
  }

  /// Requests are answered with an error.
  /// Requests are answered with an error.
  public struct Abort: Hashable, Sendable, Codable {
    /// The error: an HTTP status, or a gRPC status in a response of 200.
    /// The error: an HTTP status, or a gRPC status in a response of 200.
    public enum Status: Hashable, Sendable, Codable {
      case http(Int)
      case grpc(Int)
    }

    public var status: Status
    public var share: Share

    public init(status: Status, share: Share) {
      self.status = status
      self.share = share
    }
  }

  public var delay: Delay?
  public var abort: Abort?

  public init(delay: Delay? = nil, abort: Abort? = nil) {
    self.delay = delay
    self.abort = abort
  }
}

/// `corsPolicy`, and the Gateway API's CORS filter.
public struct CORSRule: Hashable, Sendable, Codable {
  public var allowOrigins: [TextMatch]
  public var allowMethods: [String]
  public var allowHeaders: [String]
  public var exposeHeaders: [String]
  /// In seconds.
  public var maxAge: Int?
  public var allowCredentials: Bool
  /// A preflight whose origin does not match goes to the application; false answers it here.
  public var forwardsUnmatchedPreflights: Bool

  public init(
    allowOrigins: [TextMatch] = [], allowMethods: [String] = [], allowHeaders: [String] = [],
    exposeHeaders: [String] = [], maxAge: Int? = nil, allowCredentials: Bool = false,
    forwardsUnmatchedPreflights: Bool = true
  ) {
    self.allowOrigins = allowOrigins
    self.allowMethods = allowMethods
    self.allowHeaders = allowHeaders
    self.exposeHeaders = exposeHeaders
    self.maxAge = maxAge
    self.allowCredentials = allowCredentials
    self.forwardsUnmatchedPreflights = forwardsUnmatchedPreflights
  }
}

/// `retries`.
public struct RetryRule: Hashable, Sendable, Codable {
  /// Requests after the first; 0 turns retries off.
  public var attempts: Int
  /// In milliseconds; nil for none of its own.
  public var perTryTimeout: Int?
  public var conditions: [RetryCondition]
  /// The first pause is at random up to this, in milliseconds; it doubles up to ten times this.
  public var backoff: Int
  public var avoidsTriedEndpoints: Bool

  public init(
    attempts: Int, perTryTimeout: Int? = nil, conditions: [RetryCondition], backoff: Int = 25,
    avoidsTriedEndpoints: Bool = true
  ) {
    self.attempts = attempts
    self.perTryTimeout = perTryTimeout
    self.conditions = conditions
    self.backoff = backoff
    self.avoidsTriedEndpoints = avoidsTriedEndpoints
  }

  /// What the ecosystem does when nothing is said.
  public static let standard = RetryRule(
    attempts: 2, conditions: [.connectFailure, .refusedStream, .unavailable, .cancelled])
}

/// A token of `retryOn`.
public enum RetryCondition: Hashable, Sendable, Codable {
  case serverError, gatewayError, reset, resetBeforeRequest, connectFailure, retriable4xx, refusedStream
  case ratelimited
  /// Of gRPC, from `grpc-status`.
  case cancelled, deadlineExceeded, internalError, resourceExhausted, unavailable
  /// `retriable-status-codes` and bare numbers.
  case status(Int)
}

/// A rule for connections that are not read as HTTP: all that match go to one of the backends.
public struct ConnectionRule: Hashable, Sendable, Codable {
  public var origin: String
  /// Ports of the service; none mean all.
  public var ports: [UInt16]
  public var backends: [Backend]

  public init(origin: String, ports: [UInt16] = [], backends: [Backend]) {
    self.origin = origin
    self.ports = ports
    self.backends = backends
  }
}
