import Bytes
import H1Engine
import H2Engine
public import HTTPModel

/// What a client connection tells its owner. Calls come from within `receive`, `finish`, `cut` and `settle`.
public protocol ClientConnectionHandler: AnyObject {
  /// An informational response came before the final one.
  func informed(_ id: ExchangeID, _ head: ResponseHead)
  func answered(_ id: ExchangeID, _ response: IncomingResponse)
  /// Bytes of the response's body, or of the tunnel. Give them back with `consumed` when they have left.
  func received(_ id: ExchangeID, _ bytes: Span<UInt8>)
  func ended(_ id: ExchangeID, trailers: [Field])
  /// The exchange is over without a whole response.
  func failed(_ id: ExchangeID, _ failure: ExchangeFailure)
  /// So many bytes given to `send` have left.
  func sent(_ id: ExchangeID, _ count: Int)
  func wantsTransmit()
  /// The server's SETTINGS have come: `hasSettings`.
  func settled()
}

extension ClientConnectionHandler {
  public func settled() {}
}

/// The client's end of a connection of either HTTP, without a descriptor: one face over both engines.
public final class ClientConnection {
  public let version: HTTPVersion
  /// Not kept, and it must outlive the connection; `weak` would make every call to it count slowly.
  public unowned var handler: (any ClientConnectionHandler)?
  public private(set) var isClosing = false
  private var credit = 0
  /// Exchanges whose response is not whole.
  private var open: Set<Int32> = []

  // HTTP/1.x
  private var client: H1Client
  private var exchange: Int32 = 0

  // HTTP/2
  private let session: H2Session?
  private let outgoing = Outgoing()
  private let limits: HTTPLimits
  private var answered: Set<Int32> = []
  /// Streams that ask for a tunnel, or are one.
  private var tunnels: [Int32: AskedTunnel] = [:]
  private var events = H2Events()

  public init(_ version: HTTPVersion, limits: HTTPLimits = HTTPLimits()) {
    self.version = version
    self.limits = limits
    client = H1Client(limits: limits.messages)
    session = version == .http2 ? H2Session(.client, settings: limits.frames) : nil
    hasSettings = version == .http1
  }

  /// Exchanges under way.
  public var load: Int { open.count }

  /// A request may begin now.
  public var takesRequests: Bool {
    guard !isClosing else { return false }
    guard let session else { return client.isReady && open.isEmpty }
    return session.takesRequests && open.count < Int(min(session.peerMaxConcurrentStreams, 1_000))
  }

  /// It is known what the server takes. Only then may an upgrade be asked for (RFC 8441 section 3).
  public private(set) var hasSettings: Bool

  /// Our side of the tunnel has ended and left: the server may be told by the end of what carries it.
  public var hasSaidAll: Bool { session == nil && client.hasEndedTunnel && outgoing.queue.isEmpty }

  public func takeCredit() -> Int {
    defer { credit = 0 }
    return credit
  }

  // MARK: Asking

  /// Begins a request; `send` and `end` follow. `scheme` is for HTTP/2, where the head does not say.
  ///
  /// `upgrade` offers a change of protocol: in HTTP/2 as an extended CONNECT, whose success is told as 101.
  /// Where it or a CONNECT opens a tunnel, `send` and a second `end` follow the answer.
  ///
  /// - Throws: what may not be sent, in words; nothing was.
  public func request(
    _ head: RequestHead, body: BodySize, upgrade: String? = nil, scheme: String = "http"
  ) throws(HeadError) -> ExchangeID {
    let number: Int32
    if let session {
      let tunnel = AskedTunnel(head, upgrade: upgrade)
      if let upgrade, !session.peerTakesExtendedConnect {
        throw HeadError(
          "the application takes no \(upgrade) over HTTP/2 (RFC 8441): name its port http-..., if it speaks "
            + "HTTP/1.1"
        )
      }
      var fields = (upgrade.map { head.extendedConnect($0) } ?? head).http2Fields(scheme: scheme)
      if case .exactly(let count) = body, tunnel == nil, fields.first("content-length") == nil {
        fields.append(Field("content-length", "\(count)"))
      }
      do throws(H2Error) {
        number = try session.submitRequest(fields, hasBody: body != .none || tunnel != nil)
      } catch {
        throw HeadError("\(error)")
      }
      tunnels[number] = tunnel
      outgoing.streams.bodies[number] = OutgoingBody()
    } else {
      do throws(H1Error) {
        try client.request(head, body: body, upgrade: upgrade, into: &outgoing.queue)
      } catch {
        throw HeadError(error.detail)
      }
      exchange += 1
      number = exchange
    }
    open.insert(number)
    handler?.wantsTransmit()
    return ExchangeID(number)
  }

  public func send(_ id: ExchangeID, _ bytes: Span<UInt8>) {
    guard open.contains(id.number) else { return }
    if let session {
      guard let body = outgoing.streams.bodies[id.number] else { return }
      outgoing.streams.queue(bytes, in: body)
      session.resume(id.number)
    } else {
      do throws(H1Error) {
        try client.send(bytes, into: &outgoing.queue)
        outgoing.unsent += bytes.count
      } catch {
        return cut("\(error.detail)")
      }
    }
    handler?.wantsTransmit()
  }

  public func end(_ id: ExchangeID, trailers: [Field] = []) {
    guard open.contains(id.number) else { return }
    if let session {
      // That of the request, which has no body.
      if tunnels[id.number]?.isOpen == false { return }
      guard let body = outgoing.streams.bodies[id.number] else { return }
      body.isEnding = true
      body.trailers = trailers
      session.resume(id.number)
    } else {
      do throws(H1Error) {
        try client.end(trailers: trailers, into: &outgoing.queue)
      } catch {
        return cut("\(error.detail)")
      }
    }
    handler?.wantsTransmit()
  }

  /// Gives the exchange up; nothing more is told of it. HTTP/1.x loses its connection by that.
  public func cancel(_ id: ExchangeID) {
    guard open.remove(id.number) != nil else { return }
    if let session {
      tunnels[id.number] = nil
      outgoing.streams.forget(id.number)
      session.reset(id.number, .cancel)
    } else {
      isClosing = true
    }
    handler?.wantsTransmit()
  }

  public func consumed(_ id: ExchangeID, _ count: Int) {
    guard let session else { return credit += count }
    session.consumeStream(id.number, count)
    handler?.wantsTransmit()
  }

  // MARK: Receiving

  public func receive(_ bytes: Span<UInt8>) {
    guard !isClosing else { return credit += bytes.count }
    if let session { receive(bytes, session) } else { receiveH1(bytes) }
  }

  /// The server sends no more.
  public func finish() {
    guard session == nil else { return cut("the server closed the connection") }
    var found: [H1Event] = []
    do throws(H1Error) {
      try client.finish(into: &found)
    } catch {
      return cut("the server closed the connection before the response was whole")
    }
    handle(found, [UInt8]().span)
    cut("the server closed the connection")
  }

  /// The connection is lost, and every exchange on it.
  public func cut(_ reason: String) {
    isClosing = true
    let lost = open
    open = []
    tunnels = [:]
    outgoing.streams.forgetAll()
    for number in lost { handler?.failed(ExchangeID(number), .lost(reason)) }
  }

  private func receiveH1(_ bytes: Span<UInt8>) {
    credit += bytes.count
    var found: [H1Event] = []
    var failure: H1Error?
    do throws(H1Error) {
      try client.receive(bytes, into: &found)
    } catch {
      failure = error
    }
    handle(found, bytes)
    if let failure {
      isClosing = true
      let lost = open
      open = []
      for number in lost { handler?.failed(ExchangeID(number), .malformed(failure.detail)) }
    } else if client.isOver, open.isEmpty {
      isClosing = true
    }
  }

  private func handle(_ found: [H1Event], _ bytes: Span<UInt8>) {
    let id = ExchangeID(exchange)
    var hasTrailers = false
    for event in found where open.contains(exchange) {
      switch event {
      case .response(let response):
        if response.head.isInformational {
          handler?.informed(id, response.head)
        } else {
          handler?.answered(
            id,
            IncomingResponse(head: response.head, body: response.body, isTunnel: response.isTunnel))
        }
      case .body(let range):
        credit -= range.count
        handler?.received(id, bytes.extracting(range))
      case .trailers(let fields):
        hasTrailers = true
        open.remove(exchange)
        handler?.ended(id, trailers: fields)
      case .end:
        guard !hasTrailers else { continue }
        open.remove(exchange)
        handler?.ended(id, trailers: [])
      case .request: break
      }
    }
  }

  private func receive(_ bytes: Span<UInt8>, _ session: H2Session) {
    credit += bytes.count
    var failure: H2Error?
    do throws(H2Error) {
      try session.receive(bytes, into: &events)
    } catch {
      failure = error
    }
    let batch = events.list
    events.removeAll()
    for event in batch { handle(event, bytes, session) }
    handler?.wantsTransmit()
    if let failure { cut("\(failure)") }
  }

  private func handle(_ event: H2Event, _ bytes: Span<UInt8>, _ session: H2Session) {
    switch event {
    case .headers(let stream, let fields, let endStream): handle(fields, stream, endStream, session)
    case .tooLarge(let stream, _):
      guard open.contains(stream) else { return }
      distrust(stream, limits.headExcess, .enhanceYourCalm, session)
    case .data(let stream, let range):
      guard open.contains(stream) else { return session.consume(stream, range.count) }
      session.consumeConnection(range.count)
      handler?.received(ExchangeID(stream), bytes.extracting(range))
    case .endOfStream(let stream): end(stream, [])
    case .reset(let stream, let code): fail(stream, code)
    case .streamClosed(let stream, let code):
      tunnels[stream] = nil
      outgoing.streams.forget(stream)
      answered.remove(stream)
      fail(stream, code)
    case .settings:
      guard !hasSettings else { return }
      hasSettings = true
      handler?.settled()
    case .goaway, .pong: break
    }
  }

  private func handle(_ fields: [Field], _ stream: Int32, _ endStream: Bool, _ session: H2Session) {
    guard open.contains(stream) else { return }
    do throws(HeadError) {
      if answered.contains(stream) { return end(stream, try .trailers(http2: fields)) }
      let head = try ResponseHead(http2: fields)
      if head.isInformational { handler?.informed(ExchangeID(stream), head); return }
      answered.insert(stream)
      if let tunnel = tunnels[stream], let response = tunnel.opened(head) {
        tunnels[stream]?.isOpen = true
        handler?.answered(ExchangeID(stream), response)
      } else {
        handler?.answered(
          ExchangeID(stream),
          IncomingResponse(head: head, body: try .of(http2: fields, endStream: endStream)))
      }
      if endStream { end(stream, []) }
    } catch {
      distrust(stream, error.detail, .protocolError, session)
    }
  }

  private func distrust(_ stream: Int32, _ detail: String, _ code: H2Code, _ session: H2Session) {
    session.reset(stream, code)
    open.remove(stream)
    outgoing.streams.forget(stream)
    handler?.failed(ExchangeID(stream), .malformed(detail))
  }

  private func end(_ stream: Int32, _ trailers: [Field]) {
    guard open.remove(stream) != nil else { return }
    // Answered before the request was whole: the rest of it is of no use, and must not keep the stream.
    if outgoing.streams.bodies[stream]?.isEnding == false { session?.reset(stream, .cancel) }
    handler?.ended(ExchangeID(stream), trailers: trailers)
  }

  private func fail(_ stream: Int32, _ code: H2Code) {
    guard open.remove(stream) != nil else { return }
    handler?.failed(
      ExchangeID(stream),
      code == .refusedStream && !answered.contains(stream) ? .refused : .reset("\(code)"))
  }

  // MARK: Transmitting

  public var wantsWrite: Bool {
    session.map { !outgoing.queue.isEmpty || $0.wantsWrite } ?? !outgoing.queue.isEmpty
  }

  public func transmit(into bytes: inout OutputSpan<UInt8>) {
    if outgoing.transmit(session, exchange: exchange, into: &bytes) { isClosing = true }
  }

  public func settle() {
    if let session, session.hasEvents {
      session.collect(into: &events)
      let batch = events.list
      events.removeAll()
      for event in batch { handle(event, [UInt8]().span, session) }
    }
    for (number, count) in outgoing.takeLeft() { handler?.sent(ExchangeID(number), count) }
  }
}
