import MeshModel

extension Fault {
  /// `fault` of a rule of a VirtualService.
  init(reading section: Section) {
    self.init()
    section.expectOnly(["delay", "abort"])
    if !section.has("delay"), !section.has("abort") {
      section.sink.report(
        .noAction, .error, line: section.line, "\(section.path) has neither delay nor abort")
    }
    if let delay = section.section("delay") {
      delay.expectOnly(["fixedDelay", "exponentialDelay", "percentage", "percent"])
      delay.reject("exponentialDelay", "delays have one length", remedy: "Use fixedDelay.")
      if !delay.has("fixedDelay"), !delay.has("exponentialDelay") { delay.missing("fixedDelay") }
      let share = Self.share(delay)
      self.delay = delay.duration("fixedDelay").map { Delay(milliseconds: $0, share: share) }
    }
    if let abort = section.section("abort") {
      abort.expectOnly(["httpStatus", "grpcStatus", "http2Error", "percentage", "percent"])
      abort.reject(
        "http2Error", "requests are aborted with a status", remedy: "Use httpStatus or grpcStatus.")
      let share = Self.share(abort)
      let status: Abort.Status? =
        switch abort.only(of: ["httpStatus", "grpcStatus"]) {
        case "httpStatus": abort.status("httpStatus").map { .http($0) }
        case "grpcStatus": Self.grpcStatus(abort).map { .grpc($0) }
        default: nil
        }
      if !["httpStatus", "grpcStatus", "http2Error"].contains(where: abort.has) {
        abort.missing("httpStatus")
      }
      self.abort = status.map { Abort(status: $0, share: share) }
    }
  }

  private static func share(_ section: Section) -> Share {
    section.deprecate("percent", "percentage: {value: ...}")
    if let share = section.share("percentage") { return share }
    if let percent = section.integer("percent", in: 0...100) { return Share(percent: Double(percent)) }
    if !section.has("percentage"), !section.has("percent") {
      section.sink.report(
        .noEffect, .warning, line: section.line, "\(section.path) has no percentage, so it is for no request",
        remedy: "Add percentage: {value: 100}.")
    }
    return .none
  }

  private static let grpcNames = [
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
    "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
  ]

  private static func grpcStatus(_ section: Section) -> Int? {
    guard case .scalar(let text, _)? = section.value("grpcStatus")?.content else { return nil }
    if let number = grpcNames.firstIndex(of: text.uppercased()) { return number }
    if let number = Int(text), grpcNames.indices.contains(number) { return number }
    section.invalid(
      "grpcStatus", "\(text.debugDescription) is no status of gRPC", remedy: "Use a name such as UNAVAILABLE."
    )
    return nil
  }
}

extension RetryRule {
  /// The most retries of one request.
  private static let maximumAttempts = 100

  /// `retries` of a rule of a VirtualService.
  init(reading section: Section) {
    section.expectOnly([
      "attempts", "perTryTimeout", "retryOn", "retryRemoteLocalities", "retryIgnorePreviousHosts", "backoff",
    ])
    let attempts = section.integer("attempts", in: 0...Self.maximumAttempts) ?? 0
    let settings = [
      "perTryTimeout", "retryOn", "retryRemoteLocalities", "retryIgnorePreviousHosts", "backoff",
    ]
    if attempts == 0, let key = settings.first(where: section.has) {
      section.invalid(key, "says how to retry, and \(section.path("attempts")) is 0", remedy: "Set attempts.")
    }
    self.init(attempts: attempts, conditions: RetryRule.standard.conditions)
    perTryTimeout = section.duration("perTryTimeout", mayBeZero: true).flatMap { $0 == 0 ? nil : $0 }
    backoff = section.duration("backoff") ?? backoff
    avoidsTriedEndpoints = section.boolean("retryIgnorePreviousHosts") ?? true
    section.leaveOut("retryRemoteLocalities", "retries go to other localities when all near ones were tried")
    if let text = section.string("retryOn"), !text.isEmpty { conditions = Self.conditions(section, text) }
  }

  private static let tokens: [String: RetryCondition] = [
    "5xx": .serverError, "gateway-error": .gatewayError, "reset": .reset,
    "reset-before-request": .resetBeforeRequest, "connect-failure": .connectFailure,
    "retriable-4xx": .retriable4xx, "refused-stream": .refusedStream, "envoy-ratelimited": .ratelimited,
    "cancelled": .cancelled, "deadline-exceeded": .deadlineExceeded, "internal": .internalError,
    "resource-exhausted": .resourceExhausted, "unavailable": .unavailable,
  ]
  /// Tokens that say nothing by themselves, or of what does not happen here.
  private static let silent: [String: String] = [
    "retriable-status-codes": "", "retriable-headers": "no header is said to ask for a retry",
    "http3-post-connect-failure": "there is no HTTP/3",
  ]

  private static func conditions(_ section: Section, _ text: String) -> [RetryCondition] {
    var conditions: [RetryCondition] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let token = String(part)
      if let condition = tokens[token] {
        conditions.append(condition)
      } else if let why = silent[token] {
        guard !why.isEmpty else { continue }
        section.sink.report(
          .unsupportedField, .warning, line: section.line(of: "retryOn"),
          "\(section.path("retryOn")): \(token) has no effect: \(why)")
      } else if let status = Int(token), (100...599).contains(status) {
        conditions.append(.status(status))
      } else {
        section.invalid(
          "retryOn", "has \(token.debugDescription), which is no condition",
          remedy:
            "Use \(tokens.keys.sorted().joined(separator: ", ")) or a status, with commas and no spaces.")
      }
    }
    return conditions
  }
}

extension CORSRule {
  /// `corsPolicy` of a rule of a VirtualService.
  init(reading section: Section) {
    self.init()
    section.expectOnly([
      "allowOrigins", "allowOrigin", "allowMethods", "allowHeaders", "exposeHeaders", "maxAge",
      "allowCredentials", "unmatchedPreflights",
    ])
    section.deprecate("allowOrigin", "allowOrigins")
    allowOrigins = section.sections("allowOrigins").compactMap { origin in
      if origin.entries.isEmpty {
        origin.sink.report(
          .invalidValue, .error, line: origin.line, "\(origin.path) says nothing",
          remedy: "Use exact, prefix or regex.")
      }
      return origin.textMatch()
    }
    allowOrigins += section.strings("allowOrigin").map { .exact($0) }
    allowMethods = section.strings("allowMethods")
    allowHeaders = section.strings("allowHeaders")
    exposeHeaders = section.strings("exposeHeaders")
    for name in allowHeaders + exposeHeaders where !HeaderChanges.Changes.isFieldName(name) {
      section.invalid("allowHeaders", "names \(name.debugDescription), which is no header")
    }
    maxAge = section.duration("maxAge", mayBeZero: true).map { $0 / 1_000 }
    allowCredentials = section.boolean("allowCredentials") ?? false
    switch section.string("unmatchedPreflights") {
    case nil, "UNSPECIFIED", "FORWARD": break
    case "IGNORE": forwardsUnmatchedPreflights = false
    case .some(let text): section.invalid("unmatchedPreflights", "\(text.debugDescription) is no way")
    }
  }
}
