public import HTTPModel

/// Which family of HTTP a connection speaks.
public enum HTTPVersion: Hashable, Sendable { case http1, http2 }

/// One request and its response on a connection: the stream of HTTP/2, or the number of the exchange of
/// HTTP/1.x.
public struct ExchangeID: Hashable, Sendable {
  public let number: Int32

  init(_ number: Int32) { self.number = number }
}

/// A request as a server gets it.
public struct IncomingRequest: Hashable, Sendable {
  /// With the fields of the hop, but Host.
  public var head: RequestHead
  public var body: BodySize
  public var version: HTTPVersion
  /// The client waits for 100 before it sends the body.
  public var expectsContinue: Bool
  /// The protocols that it offers to change to, as written. Of HTTP/2 the `:protocol` of an extended CONNECT
  /// (RFC 8441), which is told in the form of HTTP/1.1: as a GET that offers an upgrade and is answered 101.
  public var upgrade: String?

  /// What may come of it is a tunnel: then it has no body, its `ended` is told at once, and what is received
  /// after that is of the tunnel, with an `ended` of its own.
  public var asksForTunnel: Bool { upgrade != nil || head.method == "CONNECT" }

  public init(
    head: RequestHead, body: BodySize, version: HTTPVersion, expectsContinue: Bool = false,
    upgrade: String? = nil
  ) {
    self.head = head
    self.body = body
    self.version = version
    self.expectsContinue = expectsContinue
    self.upgrade = upgrade
  }
}

/// A response as a client gets it.
public struct IncomingResponse: Hashable, Sendable {
  public var head: ResponseHead
  public var body: BodySize
  /// What follows are the bytes of another protocol: 101, or the success of a CONNECT. The success of an
  /// extended CONNECT is told as 101, too.
  public var isTunnel: Bool

  public init(head: ResponseHead, body: BodySize, isTunnel: Bool = false) {
    self.head = head
    self.body = body
    self.isTunnel = isTunnel
  }
}

/// Why a client's exchange cannot go on.
public enum ExchangeFailure: Error, Hashable, Sendable {
  /// The server did nothing with the request: it may be sent again, whatever its method.
  case refused
  /// The server reset the exchange, in words for a record.
  case reset(String)
  /// The server broke a rule of HTTP: its response cannot be trusted.
  case malformed(String)
  /// The connection ended before the response did.
  case lost(String)
}
