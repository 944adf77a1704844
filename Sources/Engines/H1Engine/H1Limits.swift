/// What a request may cost before it is understood.
public struct H1Limits: Hashable, Sendable {
  /// Request line and fields together, in bytes, line ends included; more is answered 431.
  public var maximumHead = 16 << 10
  /// Fields of a request; more is answered 431.
  public var maximumFields = 100
  /// The declared length of a body, in bytes; more is answered 413.
  public var maximumBody = 64 << 10

  public init() {}
}

/// Why a request is refused; the connection ends after the answer, for what follows cannot be trusted.
public struct H1Error: Error, Hashable, Sendable, CustomStringConvertible {
  /// The HTTP status to answer with.
  public let status: Int
  public let detail: String

  public init(_ status: Int, _ detail: String) {
    self.status = status
    self.detail = detail
  }

  public var description: String { "\(status): \(detail)" }
}
