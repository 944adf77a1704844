/// Why a message is refused. What follows it on the connection cannot be trusted: answer, then close.
public struct H1Error: Error, Hashable, Sendable, CustomStringConvertible {
  /// The HTTP status to answer with: 4xx or 5xx for a request; 502 for a response, whose requester must be
  /// told; 500 when it was our own message that may not be sent.
  public let status: Int
  public let detail: String

  public init(_ status: Int, _ detail: String) {
    self.status = status
    self.detail = detail
  }

  public var description: String { "\(status): \(detail)" }

  /// We were asked to send what may not be sent.
  static func ours(_ detail: String) -> H1Error { H1Error(500, detail) }
}
