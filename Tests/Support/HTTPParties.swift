public import HTTPExchange
public import HTTPModel

/// A server whose answers a test gives, and what it was told.
public final class HTTPServer: ServerConnectionHandler {
  public let connection: ServerConnection
  public var requests: [ExchangeID: IncomingRequest] = [:]
  public var order: [ExchangeID] = []
  public var bodies: [ExchangeID: [UInt8]] = [:]
  public var ends: [ExchangeID: [Field]] = [:]
  public var aborted: [ExchangeID] = []
  public var left: [ExchangeID: Int] = [:]
  /// Whose end was told once, and answered: what ends next is the tunnel.
  public var answeredTunnels: Set<ExchangeID> = []
  public var onRequest: (HTTPServer, ExchangeID) -> Void = { _, _ in }
  public var onEnd: (HTTPServer, ExchangeID) -> Void = { _, _ in }

  public init(_ version: HTTPVersion, limits: HTTPLimits = HTTPLimits()) {
    connection = ServerConnection(version, limits: limits)
    connection.handler = self
  }

  public func begun(_ id: ExchangeID, _ request: IncomingRequest) {
    requests[id] = request
    order.append(id)
    onRequest(self, id)
  }

  public func received(_ id: ExchangeID, _ bytes: Span<UInt8>) {
    for index in bytes.indices { bodies[id, default: []].append(bytes[index]) }
    connection.consumed(id, bytes.count)
  }

  public func ended(_ id: ExchangeID, trailers: [Field]) {
    ends[id] = trailers
    onEnd(self, id)
  }

  public func aborted(_ id: ExchangeID) { aborted.append(id) }
  public func sent(_ id: ExchangeID, _ count: Int) { left[id, default: 0] += count }
  public func wantsTransmit() {}

  public func answer(_ id: ExchangeID, _ status: Int = 200, _ body: [UInt8] = [], trailers: [Field] = []) {
    try? connection.respond(
      id, ResponseHead(status: status), body: trailers.isEmpty ? .exactly(body.count) : .streamed)
    connection.send(id, body.span)
    connection.end(id, trailers: trailers)
  }
}

/// A client and what it was told.
public final class HTTPClient: ClientConnectionHandler {
  public let connection: ClientConnection
  public var informed: [Int] = []
  public var answers: [ExchangeID: IncomingResponse] = [:]
  public var bodies: [ExchangeID: [UInt8]] = [:]
  public var ends: [ExchangeID: [Field]] = [:]
  public var failures: [ExchangeID: ExchangeFailure] = [:]
  public var left: [ExchangeID: Int] = [:]
  /// It sends no more.
  public var isOver = false
  /// False: bodies are not read, and their window stays shut.
  public var isReading = true

  public init(_ version: HTTPVersion, limits: HTTPLimits = HTTPLimits()) {
    connection = ClientConnection(version, limits: limits)
    connection.handler = self
  }

  public func informed(_ id: ExchangeID, _ head: ResponseHead) { informed.append(head.status) }
  public func answered(_ id: ExchangeID, _ response: IncomingResponse) { answers[id] = response }
  public func received(_ id: ExchangeID, _ bytes: Span<UInt8>) {
    for index in bytes.indices { bodies[id, default: []].append(bytes[index]) }
    if isReading { connection.consumed(id, bytes.count) }
  }
  public func ended(_ id: ExchangeID, trailers: [Field]) { ends[id] = trailers }
  public func failed(_ id: ExchangeID, _ failure: ExchangeFailure) { failures[id] = failure }
  public func sent(_ id: ExchangeID, _ count: Int) { left[id, default: 0] += count }
  public func wantsTransmit() {}

  public func ask(
    _ method: String = "GET", _ path: String = "/", _ fields: [Field] = [], _ body: [UInt8]? = nil,
    trailers: [Field] = []
  ) throws -> ExchangeID {
    let head = RequestHead(
      method: method, scheme: "http", authority: "server", path: path, fields: fields)
    let size: BodySize = trailers.isEmpty ? (body.map { .exactly($0.count) } ?? .none) : .streamed
    let id = try connection.request(head, body: size)
    if let body { connection.send(id, body.span) }
    connection.end(id, trailers: trailers)
    return id
  }
}

/// Carries bytes between the two until neither has any, `step` at a time.
public func exchange(_ client: HTTPClient, _ server: HTTPServer, step: Int = 64 << 10) {
  var isMoving = true
  while isMoving {
    isMoving = false
    let there = drain(step) { client.connection.transmit(into: &$0) }
    client.connection.settle()
    if !there.isEmpty {
      isMoving = true
      server.connection.receive(there.span)
      _ = server.connection.takeCredit()
    }
    let back = drain(step) { server.connection.transmit(into: &$0) }
    server.connection.settle()
    if !back.isEmpty {
      isMoving = true
      client.connection.receive(back.span)
      _ = client.connection.takeCredit()
    }
  }
}

public func drain(_ step: Int, _ transmit: (inout OutputSpan<UInt8>) -> Void) -> [UInt8] {
  Array(capacity: step) { (output: inout OutputSpan<UInt8>) in transmit(&output) }
}
