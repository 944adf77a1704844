public import HTTPModel

/// What the bytes of a connection mean, in their order.
public enum H1Event: Hashable, Sendable {
  /// A request has begun.
  case request(H1Request)
  /// A response has begun, or an informational one has come before it.
  case response(H1Response)
  /// Bytes of the body, or of the tunnel after an upgrade, as a range of the bytes just given: nothing is
  /// copied.
  case body(Range<Int>)
  /// The fields after a chunked body; `end` follows.
  case trailers([Field])
  /// The message is complete. In a tunnel: the peer sends no more.
  case end
}

/// A request as it was read, with what HTTP/1.x adds to its head.
public struct H1Request: Hashable, Sendable {
  /// With every field as received but Host; see `HopByHop.removed` before it is forwarded.
  public let head: RequestHead
  /// 0 or 1.
  public let minorVersion: Int
  public let body: BodySize
  /// The client waits for `100 Continue` before it sends the body.
  public let expectsContinue: Bool
  /// False when the client wants the connection closed after the answer.
  public let keepsAlive: Bool
  /// The protocols that the client offers to change to, as written; nil for an ordinary request.
  public let upgrade: String?

  /// CONNECT asks for a tunnel; a success has no body but is one.
  public var isConnect: Bool { head.method == "CONNECT" }
}

/// A response as it was read.
public struct H1Response: Hashable, Sendable {
  /// With every field as received.
  public let head: ResponseHead
  /// 0 or 1.
  public let minorVersion: Int
  public let body: BodySize
  /// False when the connection ends with this response.
  public let keepsAlive: Bool
  /// The connection is a tunnel from here on: 101, or the success of a CONNECT.
  public let isTunnel: Bool
  /// The body ends where the connection does.
  let endsByClose: Bool
}
