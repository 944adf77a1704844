public import HTTPModel
public import MeshModel

/// What becomes of a request.
public struct Decision: Hashable, Sendable {
  /// Forwarded, or answered here.
  public enum Action: Hashable, Sendable {
    case forward(Forwarding)
    case answer(Answer)
  }

  /// The rule that decided, for records: where it was written. Empty when no rule did.
  public var origin: String
  /// The request is held this long first, in milliseconds (a fault made on purpose).
  public var delay: Int?
  public var action: Action

  /// Answered or held by a rule. A preflight is not: browsers ask without tokens, and learn nothing but the
  /// rule.
  public var isMadeHere: Bool {
    if case .answer(let answer) = action, answer.reason == .preflight { return false }
    if case .answer = action { return true }
    return delay != nil
  }

  public init(origin: String, delay: Int? = nil, action: Action) {
    self.origin = origin
    self.delay = delay
    self.action = action
  }
}

/// Where a request goes, and as what.
public struct Forwarding: Hashable, Sendable {
  public var service: ServiceKey
  public var port: UInt16
  /// Nil for all endpoints of the service.
  public var subset: String?
  /// As rewritten.
  public var head: RequestHead
  /// Of the whole request with its retries, in milliseconds.
  public var timeout: Int?
  public var retry: RetryRule
  public var mirrors: [Mirroring]
  public var response: ResponseChanges

  /// To the service itself, as where there are no rules.
  public init(to service: ServiceKey, _ request: RoutedRequest) {
    self.init(
      service: service, port: request.port, subset: nil, head: request.head, timeout: nil, retry: .standard,
      mirrors: [], response: ResponseChanges())
  }

  init(
    service: ServiceKey, port: UInt16, subset: String?, head: RequestHead, timeout: Int?, retry: RetryRule,
    mirrors: [Mirroring], response: ResponseChanges
  ) {
    self.service = service
    self.port = port
    self.subset = subset
    self.head = head
    self.timeout = timeout
    self.retry = retry
    self.mirrors = mirrors
    self.response = response
  }
}

/// A copy of a request, whose answer nobody waits for.
public struct Mirroring: Hashable, Sendable {
  public var service: ServiceKey
  public var port: UInt16
  public var subset: String?
  /// As rewritten, to the host with `-shadow` behind its name, as elsewhere.
  public var head: RequestHead
}

/// A response that is made here.
public struct Answer: Hashable, Sendable {
  /// Why nothing was forwarded; the raw value is for records.
  public enum Reason: String, Hashable, Sendable {
    case redirect, directResponse = "direct-response", preflight, faultAbort = "fault-abort"
    case noRoute = "no-route", noBackend = "no-backend", unreadablePath = "unreadable-path"
    case rewriteLimit = "rewrite-limit"
  }

  public var reason: Reason
  public var head: ResponseHead
  public var body: [UInt8]

  public init(_ reason: Reason, status: Int, fields: [Field] = [], body: [UInt8] = []) {
    self.reason = reason
    head = ResponseHead(status: status, fields: fields)
    self.body = body
  }

  /// To a request whose path has no normal form (`RoutedRequest.init`).
  public static let unreadablePath = Answer(.unreadablePath, status: 400)
}
