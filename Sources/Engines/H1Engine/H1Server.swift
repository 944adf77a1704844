public import Bytes
public import HTTPModel

/// The server's end of an HTTP/1.x connection (RFC 9112), without a descriptor: requests in, responses out.
///
/// One exchange at a time: after a request's end, bytes are left where they are (`receive` says how many it
/// took) until its response has ended. After an upgrade both directions are opaque bytes. After a failure
/// nothing more is read: `refuse` answers it when no response has begun, then the connection is to be closed.
public struct H1Server: Sendable {
  private var reader: H1Reader
  private var writer = H1Writer()
  /// The request of the exchange under way.
  public private(set) var request: H1Request?
  private var hasResponse = false
  private var saidContinue = false
  private var persists = true

  public init(limits: H1Limits = H1Limits()) { reader = H1Reader(.requests, limits: limits) }

  /// Between two exchanges and nothing of the next has come: the connection may be closed without cutting
  /// one.
  public var isIdle: Bool { request == nil && reader.isAtStart }

  /// The response of the exchange under way may still begin.
  public var mayRespond: Bool { !hasResponse && writer.state == .idle }

  /// Everything has been said: close the connection once what is queued has left.
  public var isOver: Bool { reader.state == .closed && (writer.state == .idle || writer.state == .over) }

  // MARK: Requests

  /// Takes bytes of the client and appends what they mean; ranges count from the front of `bytes`. Answers
  /// how many it took: the rest belongs to the next exchange and is to be given again when this one is
  /// over.
  ///
  /// - Throws: the refusal to answer; the events before it are true, and every further call throws the same.
  public mutating func receive(
    _ bytes: Span<UInt8>, into events: inout [H1Event]
  ) throws(H1Error) -> Int {
    var next = 0
    while true {
      let before = events.count
      defer { noteRequest(events[before...]) }
      next = try reader.receive(bytes, from: next, into: &events)
      guard isExchangeOver else { return next }
      settle()
      if next == bytes.count { return next }
    }
  }

  /// The client sends no more.
  ///
  /// - Throws: when that cuts a request.
  public mutating func finish(into events: inout [H1Event]) throws(H1Error) {
    try reader.finish(into: &events)
  }

  private mutating func noteRequest(_ events: ArraySlice<H1Event>) {
    for case .request(let request) in events { self.request = request }
  }

  private var isExchangeOver: Bool { reader.state == .between && hasResponse && writer.state == .idle }

  /// Makes ready for the next exchange, or for the end.
  private mutating func settle() {
    guard isExchangeOver else { return }
    request = nil
    hasResponse = false
    saidContinue = false
    if persists { reader.begin() } else { reader.state = .closed }
  }

  // MARK: Responses

  /// Queues an informational response: `100` when the client waits for it, `103`. HTTP/1.0 knows none, and is
  /// sent none.
  public mutating func inform(_ head: ResponseHead, into bytes: inout ByteQueue) throws(H1Error) {
    guard head.isInformational, mayRespond else { throw .ours("an informational response out of place") }
    guard let request, request.minorVersion == 1 else { return }
    try H1Writer.check(head.fields)
    if head.status == 100 { saidContinue = true }
    Self.writeLine(head.status, &bytes)
    H1Writer.write(head.fields, .init(next: .idle), connection: [], upgrade: nil, into: &bytes)
  }

  /// Queues the head of the final response; `send` and `end` follow, also where there is no body.
  ///
  /// `body` is the body's length, where it is known. Content-Length, Transfer-Encoding, Connection,
  /// Keep-Alive and Upgrade are written by what is known here; those among the fields are left out, except
  /// a Content-Length that answers HEAD or comes with 304. `closing` ends the connection with this
  /// response.
  public mutating func respond(
    _ head: ResponseHead, body: BodySize, closing: Bool = false, upgrade: String? = nil,
    into bytes: inout ByteQueue
  ) throws(H1Error) {
    guard mayRespond, head.status == 101 || (200...999).contains(head.status) else {
      throw .ours("a response out of place")
    }
    try H1Writer.check(head.fields)
    if let upgrade { try H1Writer.check(value: upgrade, of: "upgrade") }
    if head.status == 101 || request?.isConnect == true && head.status < 300 {
      return try open(head, upgrade: upgrade, into: &bytes)
    }
    let isHead = request?.head.method == "HEAD"
    var framing = framing(head, body, isHead: isHead)
    persists =
      (request?.keepsAlive ?? false) && !closing && framing.next != .plain && !leavesBodyUnasked
    if case .failed = reader.state { persists = false }
    if isHead { framing.next = .withheld }
    Self.writeLine(head.status, &bytes)
    let asksToKeep = persists && request?.minorVersion == 0
    H1Writer.write(
      head.fields, framing, connection: persists ? (asksToKeep ? ["keep-alive"] : []) : ["close"],
      upgrade: nil, keepsLength: framing.length == nil && (isHead || head.status == 304), into: &bytes)
    writer.state = framing.next
    hasResponse = true
  }

  /// A client that waits for `100 Continue` and is answered otherwise may or may not send its body.
  private var leavesBodyUnasked: Bool {
    request?.expectsContinue == true && !saidContinue && reader.state != .between
  }

  private func framing(_ head: ResponseHead, _ body: BodySize, isHead: Bool) -> H1Writer.Framing {
    if head.status == 204 || head.status == 304 { return .init(next: .body(missing: 0)) }
    switch body {
    case .none where isHead: return .init(next: .withheld)
    case .none: return .init(length: 0, next: .body(missing: 0))
    case .exactly(let count): return .init(length: count, next: .body(missing: count))
    case .streamed where request?.minorVersion == 1: return .init(isChunked: true, next: .chunked)
    case .streamed: return .init(next: .plain)
    }
  }

  /// The connection becomes a tunnel.
  private mutating func open(
    _ head: ResponseHead, upgrade: String?, into bytes: inout ByteQueue
  ) throws(H1Error) {
    guard reader.state == .between, head.status != 101 || upgrade != nil && request?.upgrade != nil else {
      throw .ours("a change of protocol out of place")
    }
    Self.writeLine(head.status, &bytes)
    let isUpgrade = head.status == 101
    H1Writer.write(
      head.fields, .init(next: .tunnel), connection: isUpgrade ? ["upgrade"] : [],
      upgrade: isUpgrade ? upgrade : nil, into: &bytes)
    writer.state = .tunnel
    reader.state = .tunnel
    hasResponse = true
    persists = false
  }

  /// Queues a piece of the response's body, or of the tunnel.
  public mutating func send(_ part: Span<UInt8>, into bytes: inout ByteQueue) throws(H1Error) {
    try writer.send(part, into: &bytes)
  }

  /// Ends the response, or our side of the tunnel. Trailers reach the client behind a chunked body only.
  ///
  /// - Throws: when the body is shorter than was told: the connection must be closed, to say so.
  public mutating func end(trailers: [Field] = [], into bytes: inout ByteQueue) throws(H1Error) {
    try writer.end(trailers: trailers, into: &bytes)
    if writer.state == .over, reader.state != .tunnel { reader.state = .closed }
    settle()
  }

  /// Queues a whole response of plain text that ends the connection. Without effect when a response has
  /// begun: then only closing tells the client.
  public mutating func refuse(_ error: H1Error, into bytes: inout ByteQueue) {
    guard mayRespond else { return }
    let text = Array("\(error.detail)\n".utf8)
    let head = ResponseHead(
      status: error.status, fields: [Field("content-type", "text/plain; charset=utf-8")])
    do throws(H1Error) {
      try respond(head, body: .exactly(text.count), closing: true, into: &bytes)
      try send(text.span, into: &bytes)
      try end(into: &bytes)
    } catch {
      preconditionFailure("our own refusal may not be sent: \(error)")
    }
    reader.state = .closed
  }

  private static func writeLine(_ status: Int, _ bytes: inout ByteQueue) {
    H1Writer.put("HTTP/1.1 \(status) \(H1Reason.phrase(status))\r\n", &bytes)
  }
}
