public import HTTPModel
public import MeshModel

/// The answer to a CONNECT: what the inbound side says and the outbound side hears.
public enum ConnectAnswer: Hashable, Sendable {
  /// Status 200: the application's connection stands; bytes flow. Who the workload says it is (`Baggage`)
  /// comes along unread.
  case opened(baggage: String?)
  /// Status 400: malformed, or the authority is not an address of the workload that was dialed.
  case malformed
  /// Status 401: policy denies; or 503: it cannot be reached. The reason's own status is used.
  case refused(RefusalReason)
  /// A status that says no and no reason that we know: another implementation, or a newer one.
  case other(status: Int)

  /// The status and fields; everything but `opened` ends the stream with them.
  public var fields: [Field] {
    switch self {
    case .opened(let baggage):
      [Field(":status", "200")] + (baggage.map { [Field(HBONEField.baggage, $0)] } ?? [])
    case .malformed: [Field(":status", "400")]
    case .refused(let reason):
      [Field(":status", String(reason.status)), Field(HBONEField.reason, reason.description)]
    case .other(let status): [Field(":status", String(status))]
    }
  }

  public var isOpened: Bool { if case .opened = self { true } else { false } }

  /// Reads a final answer; only 200 opens. Nil for an informational status, after which another answer
  /// follows. A reason that does not belong to its status is not believed, lest a denial be tried elsewhere.
  public static func read(_ fields: [Field]) -> ConnectAnswer? {
    guard let text = fields.first(":status"), text.utf8.count == 3, let status = Int(text), status >= 100
    else {
      return .other(status: 0)
    }
    switch status {
    case 100..<200: return nil
    case 200: return .opened(baggage: fields.first(HBONEField.baggage))
    default:
      if let token = fields.first(HBONEField.reason), token.utf8.count <= 1_024,
        let reason = RefusalReason(token), reason.status == status
      {
        return .refused(reason)
      }
      return status == 400 ? .malformed : .other(status: status)
    }
  }
}

extension RefusalReason {
  /// 401 for what policy denies, 503 for what cannot be reached.
  public var status: Int {
    switch self {
    case .policy, .noPolicyAllows, .mtlsRequired, .waypointRequired, .policyUnknown: 401
    case .notReady, .gone, .connectRefused, .reservedPort, .unknownPort, .certificateExpired,
      .certificateUntrusted:
      503
    }
  }
}
