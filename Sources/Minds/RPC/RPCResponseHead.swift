public import HTTPModel

/// The heads that a server answers with, and how a client reads them.
public enum RPCResponseHead {
  /// The head before the first message; trailers end the stream.
  public static let accepted = [Field(":status", "200"), Field("content-type", "application/grpc")]

  /// A head that is all of the answer: for calls that fail before their first message.
  public static func onlyTrailers(_ status: RPCStatus) -> [Field] { accepted + status.fields }

  /// What a response's head says.
  public enum Reading: Hashable, Sendable {
    /// Another head follows (an informational status).
    case informational
    /// Messages follow, then trailers.
    case accepted
    /// The call is over.
    case ended(RPCStatus)
  }

  /// Reads the head of a response; `endStream` as its event said.
  public static func read(_ fields: [Field], endStream: Bool) -> Reading {
    guard let http = fields.first(":status").flatMap({ Int($0) }) else {
      return .ended(RPCStatus(.internal, "the response has no status"))
    }
    if (100..<200).contains(http) {
      return endStream ? .ended(RPCStatus(.internal, "the response is informational only")) : .informational
    }
    if endStream, let status = RPCStatus(fields: fields) { return .ended(status) }
    guard http == 200 else { return .ended(RPCStatus(RPCCode(httpStatus: http), "HTTP status \(http)")) }
    guard !endStream else { return .ended(RPCStatus(.unknown, "the response has no grpc-status")) }
    guard RPCContentType.isGRPC(fields.first("content-type")) else {
      return .ended(RPCStatus(.unknown, "the response is not gRPC"))
    }
    if let encoding = fields.first("grpc-encoding"), encoding != "identity" {
      return .ended(RPCStatus(.unimplemented, "compression is not supported"))
    }
    return .accepted
  }

  /// The status that trailers carry.
  public static func status(ofTrailers fields: [Field]) -> RPCStatus {
    RPCStatus(fields: fields) ?? RPCStatus(.unknown, "the trailers have no grpc-status")
  }
}
