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
  /// Not kept, and it must outlive the connection; `weak` would make every call to it count slowly.
  public unowned var handler: (any ServerConnectionHandler)?
  /// Nothing more can be done with the connection once what is queued has left.
  public private(set) var isClosing = false
  /// The rule of HTTP that the client broke, or the limit that it met, so that the connection ends.
  public private(set) var fault: RequestFault?
  private let limits: HTTPLimits
  private var credit = 0

  // HTTP/1.x
  private var server: H1Server
  /// Bytes behind the request under way: no more than the window of the pipe, as nothing is given back to it
  /// for them.
  private var pipelined = ByteQueue()
  /// How much of them is looked at for one request: all of it each time would be work for nothing.
  private static let piece = 16 << 10
  private(set) var exchange: Int32 = 0
  private var isUnderWay = false
  private var isReceiving = false
  private var isPeerDone = false
  private var isTunnel = false

  // HTTP/2
  let session: H2Session?
  let outgoing = Outgoing()
  /// Requests of which the owner knows.
  private var known: Set<Int32> = []
  /// Those that came as an extended CONNECT.
  private var extended: Set<Int32> = []
  private var hasSettings = false
  private var events = H2Events()

  public init(_ version: HTTPVersion, limits: HTTPLimits = HTTPLimits()) {
    self.version = version
    self.limits = limits
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
    settings.takesExtendedConnect = true
    settings.endsUnreadRequests = true
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
    outgoing.streams.forgetAll()
    for number in lost { handler?.aborted(ExchangeID(number)) }
  }

  private func receiveH1(_ bytes: Span<UInt8>) {
    guard !isReceiving, pipelined.isEmpty else { return pipelined.append(bytes) }
    let taken = read(bytes)
    pipelined.append(bytes.extracting(taken...))
    pump()
  }

  /// Reads on where the last exchange ended.
  private func pump() {
    while !isReceiving, !pipelined.isEmpty, !isClosing {
      var piece: [UInt8] = []
      pipelined.withBytes { bytes in
        for index in 0..<min(bytes.count, Self.piece) { piece.append(bytes[index]) }
      }
      let taken = read(piece.span)
      pipelined.removeFirst(taken)
      if taken == 0 { return }
    }
    if pipelined.isEmpty { pipelined.clear() }
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

  private func refuse(_ error: H1Error, _ end: ConnectionEnd? = nil) {
    isClosing = true
    let fault = RequestFault(
      error.status, error.detail, end ?? (error.status == 431 ? .largeHead : .protocolError))
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
    if let failure { lose(failure) }
  }

  private func lose(_ failure: H2Error) {
    guard !isClosing else { return }
    let fault = RequestFault(0, failure.description, ConnectionEnd(failure))
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
    case .tooLarge(let stream, let endStream): refuse(stream, endStream, session)
    case .data(let stream, let range):
      guard known.contains(stream) else { return session.consume(stream, range.count) }
      session.consumeConnection(range.count)
      handler?.received(ExchangeID(stream), bytes.extracting(range))
    case .endOfStream(let stream):
      if known.contains(stream) { handler?.ended(ExchangeID(stream), trailers: []) }
    case .reset(let stream, _), .streamClosed(let stream, _):
      extended.remove(stream)
      outgoing.streams.forget(stream)
      if known.remove(stream) != nil, !isOver(stream) { handler?.aborted(ExchangeID(stream)) }
    case .settings: hasSettings = true
    case .goaway, .pong: break
    }
  }

  /// The owner has said everything on this stream.
  private func isOver(_ stream: Int32) -> Bool { finished.remove(stream) != nil }
  /// Streams whose response has been given whole.
  private var finished: Set<Int32> = []

  private func begin(_ stream: Int32, _ fields: [Field], _ endStream: Bool, _ session: H2Session) {
    do throws(HeadError) {
      let request = try IncomingRequest(http2: fields, endStream: endStream)
      known.insert(stream)
      if request.upgrade != nil { extended.insert(stream) }
      handler?.begun(ExchangeID(stream), request)
      if request.asksForTunnel, known.contains(stream) { handler?.ended(ExchangeID(stream), trailers: []) }
      if endStream, known.contains(stream) { handler?.ended(ExchangeID(stream), trailers: []) }
    } catch {
      session.reset(stream, .protocolError)
      handler?.refused(RequestFault(0, error.description))
    }
  }

  /// What cannot be taken for its size alone is answered like any request (RFC 9113 section 10.5.1).
  private func refuse(_ stream: Int32, _ endStream: Bool, _ session: H2Session) {
    let fault = RequestFault(431, limits.headExcess)
    if known.remove(stream) != nil {
      // Trailers. The owner is told why; the fault is not the connection's.
      let hasAnswer = outgoing.streams.bodies[stream] != nil
      self.fault = fault
      if !isOver(stream) { handler?.aborted(ExchangeID(stream)) }
      self.fault = nil
      guard !hasAnswer else {
        outgoing.streams.forget(stream)
        return session.reset(stream, .enhanceYourCalm)
      }
    } else {
      handler?.refused(fault)
    }
    let text = Array("\(fault.detail)\n".utf8)
    let body = OutgoingBody()
    body.isEnding = true
    outgoing.streams.bodies[stream] = body
    outgoing.streams.queue(text.span, in: body)
    let head = ResponseHead(
      status: fault.status, fields: [Field("content-type", "text/plain; charset=utf-8")])
    try? session.submitResponse(stream, section(head, .exactly(text.count)), hasBody: true)
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
    if let session {
      guard known.contains(id.number), outgoing.streams.bodies[id.number] == nil else { return }
      try? session.submitInformational(id.number, head.http2Fields)
    } else if isCurrent(id) {
      try? server.inform(head, into: &outgoing.queue)
    }
    handler?.wantsTransmit()
  }

  /// Begins the response; `send` and `end` follow. `upgrade` is not nil where a tunnel begins: the protocol,
  /// or empty after a CONNECT.
  ///
  /// - Throws: what may not be sent, in words: nothing was, and another response may be given.
  public func respond(
    _ id: ExchangeID, _ head: ResponseHead, body: BodySize, upgrade: String? = nil
  ) throws(HeadError) {
    if let session {
      guard known.contains(id.number) else { return }
      let head = try extended.contains(id.number) ? Self.answer(toExtendedConnect: head) : head
      // A tunnel has no body, and bytes. Else the head ends the stream, as gRPC asks of a status without
      // messages.
      let hasBody = body != .none || upgrade != nil
      outgoing.streams.bodies[id.number] = OutgoingBody()
      do throws(H2Error) {
        try session.submitResponse(id.number, section(head, body), hasBody: hasBody)
      } catch {
        outgoing.streams.forget(id.number)
        throw HeadError("\(error)")
      }
      if !hasBody { finished.insert(id.number) }
    } else if isCurrent(id) {
      do throws(H1Error) {
        try server.respond(head, body: body, upgrade: upgrade, into: &outgoing.queue)
      } catch {
        throw HeadError(error.detail)
      }
      if upgrade != nil { enterTunnel() }
    }
    handler?.wantsTransmit()
  }

  /// What came behind the request is of the tunnel, and so is the end.
  private func enterTunnel() {
    isTunnel = true
    guard !isReceiving else { return }
    pump()
    if isPeerDone { finish() }
  }

  /// In HTTP/2 a success opens the tunnel, and another than that must not be taken for it.
  private static func answer(toExtendedConnect head: ResponseHead) throws(HeadError) -> ResponseHead {
    guard (100..<300).contains(head.status) else { return head }
    guard head.status == 101 else { throw HeadError("it is a success and no change of protocol") }
    var head = head
    head.status = 200
    return head
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
      outgoing.streams.queue(bytes, in: body)
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
      // Whoever ends a tunnel ends both of its directions (RFC 9110 section 9.3.6).
      if server.isOver || isTunnel { isClosing = true }
      if !isReceiving { pump() }
    }
    handler?.wantsTransmit()
  }

  /// Breaks the exchange off: the client must not take what it got for whole. Nothing more is told of it.
  public func reset(_ id: ExchangeID) {
    if let session {
      guard known.remove(id.number) != nil else { return }
      finished.remove(id.number)
      outgoing.streams.forget(id.number)
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

  /// Ends the connection for what its client did or did not do. Requests under way are aborted; what a client
  /// can still be told is queued.
  public func end(_ end: ConnectionEnd, _ detail: String) {
    guard !isClosing else { return }
    if let session {
      let isSlow = end == .slowHead
      if end != .idle { fault = RequestFault(0, detail, end) }
      if isSlow, known.isEmpty { handler?.refused(RequestFault(0, detail, end)) }
      cut()
      session.goaway(end == .idle ? .noError : hasSettings ? .enhanceYourCalm : .settingsTimeout)
    } else if end == .slowHead, !server.isIdle, !isUnderWay {
      refuse(H1Error(408, detail), end)
    } else {
      if end != .idle { fault = RequestFault(0, detail, end) }
      cut()
    }
    handler?.wantsTransmit()
  }

  /// The connection ends when what is queued has left; of HTTP/1.x alone, where nothing else can follow.
  public func closeWhenSaid() { if session == nil { isClosing = true } }

  /// The number of the head that has begun and is not whole: 0 for the first of a connection, whether a byte
  /// of it has come or not; nil between requests.
  public var headUnderWay: Int? {
    if isClosing { return nil }
    if let session { return hasSettings ? session.sectionUnderWay : 0 }
    guard server.request == nil else { return nil }
    return exchange == 0 || !server.isIdle ? Int(exchange) : nil
  }

  /// Bytes that are kept because somebody does not take them, or because they came too early.
  public var held: Int { outgoing.streams.waiting + outgoing.queue.count + pipelined.count }

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
    // Some limits are told by the GOAWAY alone, when it has been written.
    if let failure = session?.failure { lose(failure) }
    for (number, count) in outgoing.takeLeft() { handler?.sent(ExchangeID(number), count) }
  }
}
