public import MeshModel
public import RPC

/// What answers the calls of one path.
public enum RPCMethod: Sendable {
  /// One message in, of at most `limit` bytes, and one out.
  case unary(limit: Int, _ answer: @Sendable (RPCCall, [UInt8]) async throws(RPCStatus) -> [UInt8])
  /// Messages both ways, each of at most `limit` bytes in, until the method returns or throws.
  case stream(limit: Int, _ serve: @Sendable (RPCCall, RPCStream) async throws(RPCStatus) -> Void)

  var limit: Int {
    switch self {
    case .unary(let limit, _), .stream(let limit, _): limit
    }
  }

  func serve(_ call: RPCCall, _ stream: RPCStream) async throws(RPCStatus) {
    switch self {
    case .unary(_, let answer):
      guard let message = try await stream.receive() else {
        throw RPCStatus(.invalidArgument, "the call has no message")
      }
      guard try await stream.receive() == nil else {
        throw RPCStatus(.invalidArgument, "the call has several messages")
      }
      try await stream.send(answer(call, message))
    case .stream(_, let serve):
      try await serve(call, stream)
    }
  }
}

/// What is known of a call before its first message.
public struct RPCCall: Sendable {
  public var head: RPCRequestHead
  /// Who dialed us.
  public var peer: SocketAddress
}
