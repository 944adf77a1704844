import Bytes
import H1Engine
import H2Engine
public import HTTPModel

/// What a server connection tells its owner. Calls come from within `receive`, `finish` and `settle`; the
/// owner may answer from within them.
public protocol ServerConnectionHandler: AnyObject {
  func begun(_ id: ExchangeID, _ request: IncomingRequest)
  /// Bytes of the request's body, or of the tunnel. Give them back with `consumed` when they have left.
  func received(_ id: ExchangeID, _ bytes: Span<UInt8>)
  /// The request is complete.
  func ended(_ id: ExchangeID, trailers: [Field])
  /// The client gave the exchange up or broke a rule of it: nothing more comes, nothing may be sent.
  func aborted(_ id: ExchangeID)
  /// A request was refused that could not be read, or what came could not be read at all: nobody was told
  /// of a request, and the client has its answer already.
  func refused(_ fault: RequestFault)
  /// So many bytes given to `send` have left.
  func sent(_ id: ExchangeID, _ count: Int)
  /// `transmit` has something to write.
  func wantsTransmit()
}

/// The server's end of a connection of either HTTP, without a descriptor: one face over both engines.
///
/// Not to be shared between threads. Window and credit are returned by hand: see `takeCredit` and `consumed`.
public final class ServerConnection {
  public let version: HTTPVersion
  public weak var handler: (any ServerConnectionHandler)?
  /// Nothing more can be done with the connection once what is queued has left.
  public private(set) var isClosing = false
  /// The rule of HTTP that the client broke, or the limit that it met, so that the connection ends.
  public private(set) var fault: RequestFault?
  private var credit = 0

  // HTTP/1.x
  private var server: H1Server
  /// Bytes behind the request under way.
  private var pipelined: [UInt8] = []
  private var exchange: Int32 = 0
  private var isUnderWay = false
  private var isReceiving = false
  private var isPeerDone = false

  // HTTP/2
  private let session: H2Session?
  private let outgoing = Outgoing()
  /// Requests of which the owner knows.
  private var known: Set<Int32> = []
  private var events = H2Events()

  public init(_ version: HTTPVersion, limits: HTTPLimits = HTTPLimits()) {
    self.version = version
    server = H1Server(limits: limits.messages)
    guard version == .http2 else {
      session = nil
      return
    }
    var settings = limits.frames
    settings.maximumConcurrentStreams = limits.maximumStreams
    // Clients' resets are answered by work: far below what a tunnel tolerates (CVE-2023-44487).
    settings.resetBurst = 200
    settings.resetsPerSecond = 50
    session = H2Session(.server, settings: settings)
  }

  /// No exchange is under way.
  public var isIdle: Bool { session.map { _ in known.isEmpty } ?? server.isIdle }

  /// Bytes that were received and need not be held back from the sender any more.
  public func takeCredit() -> Int {
    defer { credit = 0 }
    return credit
  }

  // MARK: Receiving

  /// Takes bytes of the client. After an error of the connection `isClosing` is set; what is queued may still
  /// say why.
  public func receive(_ bytes: Span<UInt8>) {
    guard !isClosing else { return credit += bytes.count }
    if let session { receive(bytes, session) } else { receiveH1(bytes) }
  }

  /// The client sends no more.
  public func finish() {
    isPeerDone = true
    guard session == nil else { return cut() }
    var found: [H1Event] = []
    do throws(H1Error) {
      try server.finish(into: &found)
    } catch {
      return cut()
    }
    for case .end in found where isUnderWay { handler?.ended(ExchangeID(exchange), trailers: []) }
    // Between two requests the end closes the engine, too.
    if server.isIdle || server.isOver { isClosing = true }
  }

  /// Everything under way is lost.
  public func cut() {
    isClosing = true
    let lost = session == nil ? (isUnderWay ? [exchange] : []) : Array(known)
    isUnderWay = false
    known = []
    outgoing.streams.bodies = [:]
    for number in lost { handler?.aborted(ExchangeID(number)) }
  }

  private func receiveH1(_ bytes: Span<UInt8>) {
    guard !isReceiving, pipelined.isEmpty else {
      for index in bytes.indices { pipelined.append(bytes[index]) }
      return
    }
    let taken = read(bytes)
    for index in taken..<bytes.count { pipelined.append(bytes[index]) }
    pump()
  }

  /// Reads on where the last exchange ended.
  private func pump() {
    while !isReceiving, !pipelined.isEmpty, !isClosing {
      let batch = pipelined
      pipelined = []
      let taken = read(batch.span)
      pipelined = Array(batch[taken...]) + pipelined
      if taken == 0 { return }
    }
    if isPeerDone, pipelined.isEmpty, server.isIdle { isClosing = true }
  }

  private func read(_ bytes: Span<UInt8>) -> Int {
    isReceiving = true
    defer { isReceiving = false }
    var found: [H1Event] = []
    var failure: H1Error?
    var taken = bytes.count
    do throws(H1Error) {
      taken = try server.receive(bytes, into: &found)
    } catch {
      failure = error
    }
    credit += taken
    var hasTrailers = false
    for event in found {
      switch event {
      case .request(let request):
        hasTrailers = false
        exchange += 1
        isUnderWay = true
        handler?.begun(
          ExchangeID(exchange),
          IncomingRequest(
            head: request.head, body: request.body, version: .http1,
            expectsContinue: request.expectsContinue, upgrade: request.upgrade))
      case .body(let range):
        guard isUnderWay else { continue }
        credit -= range.count
        handler?.received(ExchangeID(exchange), bytes.extracting(range))
      case .trailers(let fields):
        hasTrailers = true
        if isUnderWay { handler?.ended(ExchangeID(exchange), trailers: fields) }
      case .end: if isUnderWay, !hasTrailers { handler?.ended(ExchangeID(exchange), trailers: []) }
      case .response: break
      }
    }
    if let failure { refuse(failure) }
    return taken
  }

  private func refuse(_ error: H1Error) {
    isClosing = true
    let fault = RequestFault(error.status, error.detail)
    self.fault = fault
    if isUnderWay {
      isUnderWay = false
      handler?.aborted(ExchangeID(exchange))
    } else {
      handler?.refused(fault)
    }
    server.refuse(error, into: &outgoing.queue)
    handler?.wantsTransmit()
  }

  private func receive(_ bytes: Span<UInt8>, _ session: H2Session) {
    // The outer flow is bounded by the windows of this session.
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
    guard let failure else { return }
    let fault = RequestFault(0, failure.description)
    self.fault = fault
    if known.isEmpty { handler?.refused(fault) }
    cut()
  }

  private func handle(_ event: H2Event, _ bytes: Span<UInt8>, _ session: H2Session) {
    switch event {
    case .headers(let stream, let fields, let endStream):
      if known.contains(stream) {
        trailers(stream, fields, session)
      } else {
        begin(stream, fields, endStream, session)
      }
    case .data(let stream, let range):
      guard known.contains(stream) else { return session.consume(stream, range.count) }
      session.consumeConnection(range.count)
      handler?.received(ExchangeID(stream), bytes.extracting(range))
    case .endOfStream(let stream):
      if known.contains(stream) { handler?.ended(ExchangeID(stream), trailers: []) }
    case .reset(let stream, _), .streamClosed(let stream, _):
      outgoing.streams.bodies[stream] = nil
      if known.remove(stream) != nil, !isOver(stream) { handler?.aborted(ExchangeID(stream)) }
    case .goaway, .settings, .pong: break
    }
  }

  /// The owner has said everything on this stream.
  private func isOver(_ stream: Int32) -> Bool { finished.remove(stream) != nil }
  /// Streams whose response has been given whole.
  private var finished: Set<Int32> = []

  private func begin(_ stream: Int32, _ fields: [Field], _ endStream: Bool, _ session: H2Session) {
    do throws(HeadError) {
      let head = try RequestHead(http2: fields)
      let body = try BodySize.of(http2: fields, endStream: endStream)
      known.insert(stream)
      handler?.begun(ExchangeID(stream), IncomingRequest(head: head, body: body, version: .http2))
      if endStream, known.contains(stream) { handler?.ended(ExchangeID(stream), trailers: []) }
    } catch {
      session.reset(stream, .protocolError)
      handler?.refused(RequestFault(0, error.description))
    }
  }

  private func trailers(_ stream: Int32, _ fields: [Field], _ session: H2Session) {
    do throws(HeadError) {
      handler?.ended(ExchangeID(stream), trailers: try .trailers(http2: fields))
    } catch {
      session.reset(stream, .protocolError)
    }
  }

  // MARK: Answering

  /// Sends 100 or 103 before the response.
  public func inform(_ id: ExchangeID, _ head: ResponseHead) {
    guard session == nil, isCurrent(id) else { return }
    try? server.inform(head, into: &outgoing.queue)
    handler?.wantsTransmit()
  }

  /// Begins the response; `send` and `end` follow.
  ///
  /// - Throws: what may not be sent, in words: nothing was, and another response may be given.
  public func respond(
    _ id: ExchangeID, _ head: ResponseHead, body: BodySize, upgrade: String? = nil
  ) throws(HeadError) {
    if let session {
      guard known.contains(id.number) else { return }
      outgoing.streams.bodies[id.number] = OutgoingBody()
      do throws(H2Error) {
        try session.submitResponse(id.number, section(head, body), hasBody: true)
      } catch {
        outgoing.streams.bodies[id.number] = nil
        throw HeadError("\(error)")
      }
    } else if isCurrent(id) {
      do throws(H1Error) {
        try server.respond(head, body: body, upgrade: upgrade, into: &outgoing.queue)
      } catch {
        throw HeadError(error.detail)
      }
    }
    handler?.wantsTransmit()
  }

  private func section(_ head: ResponseHead, _ body: BodySize) -> [Field] {
    var fields = head.http2Fields
    if case .exactly(let count) = body, fields.first("content-length") == nil {
      fields.append(Field("content-length", "\(count)"))
    }
    return fields
  }

  /// Queues bytes of the body; `sent` tells when they have left.
  public func send(_ id: ExchangeID, _ bytes: Span<UInt8>) {
    if let session {
      guard let body = outgoing.streams.bodies[id.number] else { return }
      body.queue.append(bytes)
      session.resume(id.number)
    } else if isCurrent(id) {
      do throws(H1Error) {
        try server.send(bytes, into: &outgoing.queue)
        outgoing.unsent += bytes.count
      } catch {
        return cut()
      }
    }
    handler?.wantsTransmit()
  }

  /// Ends the response, or our side of the tunnel.
  public func end(_ id: ExchangeID, trailers: [Field] = []) {
    if let session {
      guard let body = outgoing.streams.bodies[id.number] else { return }
      body.isEnding = true
      body.trailers = trailers
      finished.insert(id.number)
      session.resume(id.number)
    } else if isCurrent(id) {
      do throws(H1Error) {
        try server.end(trailers: trailers, into: &outgoing.queue)
      } catch {
        return cut()
      }
      isUnderWay = server.request != nil
      if server.isOver { isClosing = true }
      if !isReceiving { pump() }
    }
    handler?.wantsTransmit()
  }

  /// Breaks the exchange off: the client must not take what it got for whole. Nothing more is told of it.
  public func reset(_ id: ExchangeID) {
    if let session {
      guard known.remove(id.number) != nil else { return }
      outgoing.streams.bodies[id.number] = nil
      session.reset(id.number, .internalError)
    } else if isCurrent(id) {
      isUnderWay = false
      isClosing = true
    }
    handler?.wantsTransmit()
  }

  /// Bytes of a request's body have left: the client may send more.
  public func consumed(_ id: ExchangeID, _ count: Int) {
    guard let session else { return credit += count }
    session.consumeStream(id.number, count)
    handler?.wantsTransmit()
  }

  private func isCurrent(_ id: ExchangeID) -> Bool { isUnderWay && id.number == exchange }

  /// No new exchanges; those under way go on.
  public func drain() {
    guard let session else {
      if server.isIdle { isClosing = true }
      return
    }
    session.drain()
    handler?.wantsTransmit()
  }

  // MARK: Transmitting

  public var wantsWrite: Bool {
    session.map { !outgoing.queue.isEmpty || $0.wantsWrite } ?? !outgoing.queue.isEmpty
  }

  /// Everything was said and has left: the connection can be closed.
  public var isFinished: Bool {
    guard let session else { return isClosing && outgoing.queue.isEmpty }
    return outgoing.queue.isEmpty && (session.isFinished || isClosing && !session.wantsWrite)
  }

  /// Appends what fits. Call `settle` when whoever called this is done.
  public func transmit(into bytes: inout OutputSpan<UInt8>) {
    if outgoing.transmit(session, exchange: exchange, into: &bytes) { isClosing = true }
  }

  /// Tells what has left, and what that ended.
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
