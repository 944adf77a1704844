import HTTPModel

/// Reads the messages of one direction of a connection, one at a time: bytes in, events out.
///
/// Heads are judged line by line and only when a line is whole, so that how the bytes were cut makes no
/// difference. A line that arrives whole is read where it lies; one that is cut is gathered first.
struct H1Reader: Sendable {
  enum State: Hashable, Sendable {
    case startLine
    case fields
    /// Bytes of the body that are missing.
    case body(Int)
    case chunkSize
    case chunk(Int)
    /// The line end behind a chunk.
    case chunkEnd
    case trailers
    case untilClose
    case tunnel
    /// The message is over; who owns the reader says when the next may be read.
    case between
    /// Nothing that comes matters any more.
    case closed
    case failed(H1Error)
  }

  /// The request that a response answers.
  struct Question: Hashable, Sendable {
    var method: String
    var offersUpgrade: Bool
  }

  let side: H1Side
  let limits: H1Limits
  var state: State
  /// Set before the response is read.
  var question = Question(method: "GET", offersUpgrade: false)
  /// The last message's body, as far as it was read.
  private(set) var bodyBytes = 0

  /// The part of a line that came before its end.
  private var line: [UInt8] = []
  private var lineBytes = 0
  private var headBytes = 0
  private var requestLine = H1Grammar.RequestLine()
  private var statusLine = (status: 0, minorVersion: 1)
  private var fields: [Field] = []
  private var room: [UInt8] = []
  private var skippedEmptyLine = false
  private var extensionBytes = 0
  private var informational = 0

  init(_ side: H1Side, limits: H1Limits) {
    self.side = side
    self.limits = limits
    state = side == .requests ? .startLine : .between
  }

  /// Nothing of the next message has come.
  var isAtStart: Bool { state == .startLine && headBytes == 0 && informational == 0 }

  /// The next message may begin.
  mutating func begin() {
    state = .startLine
    bodyBytes = 0
    headBytes = 0
    lineBytes = 0
    extensionBytes = 0
    informational = 0
    skippedEmptyLine = false
  }

  /// Takes bytes from `start` on until they or the message end, and answers where it stopped.
  mutating func receive(
    _ bytes: Span<UInt8>, from start: Int, into events: inout [H1Event]
  ) throws(H1Error) -> Int {
    var next = start
    do throws(H1Error) {
      while next < bytes.count {
        switch state {
        case .failed(let error): throw error
        case .between: return next
        case .closed: return bytes.count
        case .body(let missing):
          let part = take(missing, bytes.count, &next, &events)
          if part == missing { leave(&events) } else { state = .body(missing - part) }
        case .chunk(let missing):
          let part = take(missing, bytes.count, &next, &events)
          state = part == missing ? .chunkEnd : .chunk(missing - part)
        case .tunnel: _ = take(.max, bytes.count, &next, &events)
        case .untilClose:
          // Up to the limit, however the bytes were cut.
          let room = limits.maximumBody - bodyBytes
          guard room > 0 else { throw tooLong }
          try count(take(room, bytes.count, &next, &events))
        case .startLine, .fields, .chunkSize, .chunkEnd, .trailers:
          next += try receiveLine(bytes.extracting(next...), &events)
        }
      }
      return next
    } catch {
      fail(error)
      throw error
    }
  }

  /// The peer sends no more.
  mutating func finish(into events: inout [H1Event]) throws(H1Error) {
    switch state {
    case .failed(let error): throw error
    case .between, .closed: break
    case .startLine where side == .requests && headBytes == 0: state = .closed
    case .untilClose, .tunnel:
      events.append(.end)
      state = .closed
    default:
      let hasBegun = !isAtStart
      fail(
        H1Error(
          side.refusal, hasBegun ? "the message is cut" : "the connection ended before a response came"))
      if case .failed(let error) = state { throw error }
    }
  }

  private mutating func fail(_ error: H1Error) {
    state = .failed(error)
    line = []
    fields = []
  }

  // MARK: Bodies

  private func take(_ most: Int, _ end: Int, _ next: inout Int, _ events: inout [H1Event]) -> Int {
    let part = min(most, end - next)
    events.append(.body(next..<next + part))
    next += part
    return part
  }

  /// Adds to the length of a body that nobody told in advance.
  private mutating func count(_ more: Int) throws(H1Error) {
    guard more <= limits.maximumBody - bodyBytes else { throw tooLong }
    bodyBytes += more
  }

  private var tooLong: H1Error {
    H1Error(side == .requests ? 413 : 502, "the body is above the limit of \(limits.maximumBody) bytes")
  }

  private mutating func leave(_ events: inout [H1Event]) {
    events.append(.end)
    state = .between
  }

  // MARK: Lines

  /// Takes up to the next line end, and acts when the line is whole. Answers how many bytes it took.
  private mutating func receiveLine(
    _ bytes: Span<UInt8>, _ events: inout [H1Event]
  ) throws(H1Error) -> Int {
    let end = H1Grammar.index(of: H1Grammar.lineFeed, in: bytes, from: 0)
    let count = end.map { $0 + 1 } ?? bytes.count
    try charge(count)
    let part = bytes.extracting(0..<count)
    if end != nil, line.isEmpty {
      lineBytes = 0
      try take(line: part, &events)
      return count
    }
    for index in part.indices { line.append(part[index]) }
    guard end != nil else { return count }
    lineBytes = 0
    var whole: [UInt8] = []
    swap(&whole, &line)
    try take(line: whole.span, &events)
    whole.removeAll(keepingCapacity: whole.capacity <= Self.keptLine)
    swap(&whole, &line)
    return count
  }

  /// Room for cut lines that is kept for the next one, in bytes.
  private static let keptLine = 1 << 10

  /// Bounds what is gathered: a head as a whole, a chunk's line on its own.
  private mutating func charge(_ count: Int) throws(H1Error) {
    switch state {
    case .chunkSize, .chunkEnd:
      lineBytes += count
      let limit = state == .chunkEnd ? 2 : limits.maximumChunkLine
      guard lineBytes <= limit else {
        let what = state == .chunkEnd ? "a chunk is longer than its size" : "a chunk's line is too long"
        throw H1Error(side.refusal, what)
      }
    default:
      headBytes += count
      guard headBytes <= limits.maximumHead else {
        throw H1Error(
          side == .requests ? 431 : 502, "the head is above the limit of \(limits.maximumHead) bytes")
      }
    }
  }

  private mutating func take(line: Span<UInt8>, _ events: inout [H1Event]) throws(H1Error) {
    guard line.count >= 2, line[line.count - 2] == H1Grammar.carriageReturn else {
      throw H1Error(side.refusal, "LF without CR")
    }
    let content = line.extracting(0..<line.count - 2)
    switch state {
    case .startLine: try takeStartLine(content)
    case .fields where content.isEmpty: try leaveHead(&events)
    case .trailers where content.isEmpty: leaveTrailers(&events)
    case .fields, .trailers: try takeField(content)
    case .chunkSize: try takeChunkSize(content)
    default:
      guard content.isEmpty else { throw H1Error(side.refusal, "a chunk is longer than its size") }
      state = .chunkSize
    }
  }

  private mutating func takeStartLine(_ line: Span<UInt8>) throws(H1Error) {
    switch side {
    case .requests:
      // Old clients send one behind the body of a POST (RFC 9112 section 2.2).
      if line.isEmpty, !skippedEmptyLine {
        skippedEmptyLine = true
        return
      }
      requestLine = try H1Grammar.requestLine(line)
    case .responses: statusLine = try H1Grammar.statusLine(line)
    }
    state = .fields
  }

  private mutating func takeField(_ line: Span<UInt8>) throws(H1Error) {
    if H1Grammar.isSpace(line[0]) { return try takeFold(line) }
    guard fields.count < limits.maximumFields else {
      throw H1Error(
        side == .requests ? 431 : 502, "more fields than the limit of \(limits.maximumFields)")
    }
    let field = try H1Grammar.field(line, side: side, room: &room)
    if state == .trailers, H1Framing.decides(field.name) || field.name == "host" {
      throw H1Error(side.refusal, "\(field.name) among the trailers")
    }
    fields.append(field)
  }

  /// A response's folded field becomes one line, as RFC 9112 section 5.2 asks of a proxy.
  private mutating func takeFold(_ line: Span<UInt8>) throws(H1Error) {
    guard side == .responses, let last = fields.last, !H1Framing.decides(last.name) else {
      throw H1Error(side.refusal, "a folded field")
    }
    let more = try H1Grammar.value(line, side: side)
    if !more.isEmpty { fields[fields.count - 1].value += last.value.isEmpty ? more : " " + more }
  }

  private mutating func takeChunkSize(_ line: Span<UInt8>) throws(H1Error) {
    let (size, extensions) = try H1Grammar.chunkSize(line, side: side)
    extensionBytes += extensions
    guard extensionBytes <= limits.maximumChunkExtensions else {
      throw H1Error(side.refusal, "the extensions of chunks are above the limit")
    }
    try count(size)
    if size == 0 { headBytes = 0 }
    state = size == 0 ? .trailers : .chunk(size)
  }

  private mutating func leaveTrailers(_ events: inout [H1Event]) {
    if !fields.isEmpty { events.append(.trailers(fields)) }
    fields = []
    leave(&events)
  }

  // MARK: Heads

  private mutating func leaveHead(_ events: inout [H1Event]) throws(H1Error) {
    let fields = self.fields
    self.fields = []
    headBytes = 0
    let size: BodySize
    switch side {
    case .requests:
      let request = try H1Request(requestLine, fields)
      size = request.body
      try enter(size, until: .between)
      events.append(.request(request))
    case .responses:
      let response = try H1Response(statusLine, fields, to: question)
      size = response.body
      if response.head.isInformational {
        informational += 1
        guard informational <= limits.maximumInformational else {
          throw H1Error(502, "more informational responses than the limit")
        }
        state = .startLine
        events.append(.response(response))
        return
      }
      try enter(size, until: response.endsByClose ? .untilClose : .chunkSize)
      if response.isTunnel { state = .tunnel }
      events.append(.response(response))
      if response.isTunnel { return }
    }
    if size == .none || size == .exactly(0) { leave(&events) }
  }

  private mutating func enter(_ size: BodySize, until streamed: State) throws(H1Error) {
    switch size {
    case .none: break
    case .exactly(let count):
      guard count <= limits.maximumBody else { throw tooLong }
      bodyBytes = count
      state = .body(count)
    case .streamed: state = side == .requests ? .chunkSize : streamed
    }
  }
}
