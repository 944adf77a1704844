/// What was wrong with what a client sent, so that it was refused.
public struct RequestFault: Hashable, Sendable {
  /// Of the answer; 0 when there was none: the stream was reset, or the connection ended.
  public let status: Int
  /// In one clause, without anything that the client chose but names of fields.
  public let detail: String
  /// By which protection the connection ends; nil when it goes on.
  public let end: ConnectionEnd?

  public init(_ status: Int, _ detail: String, _ end: ConnectionEnd? = nil) {
    self.status = status
    self.detail = detail
    self.end = end
  }
}

extension ServerConnectionHandler {
  public func refused(_ fault: RequestFault) {}
}
