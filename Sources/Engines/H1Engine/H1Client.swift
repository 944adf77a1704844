public import Bytes
public import HTTPModel

/// The client's end of an HTTP/1.x connection (RFC 9112), without a descriptor: requests out, responses in.
///
/// One exchange at a time; `isReady` says when the next request may begin. After an upgrade both directions
/// are opaque bytes.
public struct H1Client: Sendable {
  private var reader: H1Reader
  private var writer = H1Writer()
  private var persists = true

  public init(limits: H1Limits = H1Limits()) { reader = H1Reader(.responses, limits: limits) }

  /// A request may begin on this connection.
  public var isReady: Bool {
    guard persists, writer.state == .idle, case .between = reader.state else { return false }
    return true
  }

  /// Nothing of the response has come: a request that may be repeated can be sent over another connection.
  public var isUnanswered: Bool {
    switch reader.state {
    case .startLine: reader.isAtStart
    default: false
    }
  }

  /// The connection is of no further use; a request's body may still be under way.
  public var isOver: Bool {
    switch reader.state {
    case .closed, .failed: true
    case .between: !persists
    default: false
    }
  }

  /// Our side of the tunnel is over: nothing more is sent, and the peer may be told so.
  public var hasEndedTunnel: Bool { writer.state == .over }

  // MARK: Requests

  /// Queues the head of a request; `send` and `end` follow, also where there is no body.
  ///
  /// `upgrade` offers a change of protocol. Host is written from the head's authority; Content-Length,
  /// Transfer-Encoding, Connection and Upgrade by what is known here; those among the fields are left out.
  /// `closing` asks the server to close the connection after its response.
  public mutating func request(
    _ head: RequestHead, body: BodySize, upgrade: String? = nil, closing: Bool = false,
    into bytes: inout ByteQueue
  ) throws(H1Error) {
    guard isReady else { throw .ours("a request out of place") }
    let target = try Self.target(head)
    try H1Writer.check(head.fields)
    if let upgrade { try H1Writer.check(value: upgrade, of: "upgrade") }
    H1Writer.put("\(head.method) ", &bytes)
    H1Writer.put(target, &bytes)
    H1Writer.put(" HTTP/1.1\r\nhost: \(head.authority ?? "")\r\n", &bytes)
    let framing: H1Writer.Framing =
      switch body {
      case .none: .init(next: .body(missing: 0))
      case .exactly(let count): .init(length: count, next: .body(missing: count))
      case .streamed: .init(isChunked: true, next: .chunked)
      }
    var options: [String] = closing ? ["close"] : []
    if upgrade != nil { options.append("upgrade") }
    if head.fields.contains(where: { $0.name == "te" }) { options.append("te") }
    H1Writer.write(head.fields, framing, connection: options, upgrade: upgrade, into: &bytes)
    writer.state = framing.next
    reader.begin()
    reader.question = .init(method: head.method, offersUpgrade: upgrade != nil)
    persists = !closing
  }

  /// The target as it is sent: origin form, `*`, or the authority for CONNECT.
  private static func target(_ head: RequestHead) throws(H1Error) -> String {
    guard HTTPGrammar.isToken(head.method) else { throw .ours("the method is not a token") }
    guard head.connectProtocol == nil else { throw .ours("an extended CONNECT has no form in HTTP/1.1") }
    let authority = head.authority ?? ""
    guard authority.isEmpty || HTTPGrammar.isAuthority(authority) else {
      throw .ours("the authority \(authority.debugDescription.prefix(64)) may not be sent")
    }
    if head.method == "CONNECT" {
      guard HTTPGrammar.isAuthority(authority, needsPort: true) else {
        throw .ours("CONNECT needs host:port")
      }
      return authority
    }
    let isWhole = head.path == "*" && head.method == "OPTIONS"
    guard isWhole || head.path.utf8.first == UInt8(ascii: "/"),
      head.path.utf8.allSatisfy(HTTPGrammar.isTarget)
    else { throw .ours("the path \(head.path.debugDescription.prefix(64)) may not be sent") }
    return head.path
  }

  /// Queues a piece of the request's body, or of the tunnel.
  public mutating func send(_ part: Span<UInt8>, into bytes: inout ByteQueue) throws(H1Error) {
    try writer.send(part, into: &bytes)
  }

  /// Ends the request, or our side of the tunnel. Trailers reach the server behind a streamed body only.
  ///
  /// - Throws: when the body is shorter than was told: the connection must be closed, to say so.
  public mutating func end(trailers: [Field] = [], into bytes: inout ByteQueue) throws(H1Error) {
    try writer.end(trailers: trailers, into: &bytes)
  }

  // MARK: Responses

  /// Takes bytes of the server and appends what they mean; ranges count from the front of `bytes`.
  ///
  /// - Throws: the response's failure, also for bytes that no request asked for. The connection is lost; the
  ///   events before it are true.
  public mutating func receive(_ bytes: Span<UInt8>, into events: inout [H1Event]) throws(H1Error) {
    let before = events.count
    let taken: Int
    do throws(H1Error) {
      taken = try reader.receive(bytes, from: 0, into: &events)
    } catch {
      note(events[before...])
      throw error
    }
    note(events[before...])
    guard taken == bytes.count else {
      let error = H1Error(502, "bytes that no request asked for")
      reader.state = .failed(error)
      throw error
    }
  }

  /// The server sends no more: the end of some bodies, the failure of others.
  public mutating func finish(into events: inout [H1Event]) throws(H1Error) {
    persists = false
    try reader.finish(into: &events)
  }

  private mutating func note(_ events: ArraySlice<H1Event>) {
    for case .response(let response) in events {
      if response.isTunnel { writer.state = .tunnel }
      if !response.keepsAlive, !response.head.isInformational { persists = false }
    }
  }
}
