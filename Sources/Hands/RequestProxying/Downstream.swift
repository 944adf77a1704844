import Bytes
import HTTPExchange
import HTTPModel
import HTTPRouting
import MeshModel

/// One connection of a client: finds out what it speaks, then reads its requests.
final class Downstream: PipeOwner, ServerConnectionHandler {
  let origin: Origin
  let target: Target
  /// The client, for records.
  let source: RequestParty
  /// What applications are told of the client, but for what each request says.
  private(set) var client: ClientFields
  /// Those in force when the connection began.
  private let first: WaypointTables
  let proxy: RequestProxy
  /// The connection's place in a trace, as the client's agent says.
  var trace: Traceparent?
  private(set) var pipe: (any Pipe)?
  private(set) var connection: ServerConnection?
  private(set) var exchanges: [ExchangeID: RequestExchange] = [:]
  private(set) var relay: RawRelay?
  private let declared: ApplicationProtocol?
  /// What came before it was clear what is spoken.
  private(set) var unread: [UInt8] = []
  private var hasEnded = false

  // Time and memory, see Downstream+Timed
  let limits: HTTPLimits
  var patience: Patience
  /// When the client last took a byte.
  private(set) var lastWritten: Instant
  /// When the first byte came of what is not yet known for what it is.
  private(set) var firstByte: Instant?
  /// Responses that have been given whole and that the client has not taken, and when it last took of them.
  var leaving: [ExchangeID: Instant] = [:]
  var alarm: (when: Instant, token: UInt64)?
  var hasCounted = false
  /// Bytes of requests' bodies that endpoints have not taken.
  var uncredited = 0
  /// As the proxy knows it.
  private(set) var held = 0

  init(
    _ pipe: any Pipe, for origin: Origin, to target: Target, declared: ApplicationProtocol?,
    tables: WaypointTables, proxy: RequestProxy
  ) {
    self.pipe = pipe
    self.origin = origin
    self.target = target
    self.declared = declared
    client = ClientFields(
      identity: origin.identity, address: origin.address.ip, scheme: "http",
      destination: target.workload?.identity)
    first = tables
    self.proxy = proxy
    limits = proxy.limits
    lastWritten = proxy.now
    patience = Patience(proxy.limits, at: proxy.now)
    let client = proxy.workload(at: origin.address.ip)
    source = RequestParty(
      client.map { .init(address: nil, workload: $0, identity: origin.identity) }
        ?? .init(namespace: origin.namespace ?? "", identity: origin.identity))
    switch declared {
    // What the application speaks; the client's first bytes say which HTTP it speaks itself.
    case .http1, .http2, .grpc: break
    case .tcp: startRelay()
    // A server that speaks first must not wait for its client: it is dialed at once.
    case nil: startRelay(isTentative: true)
    }
    watch()
  }

  /// What endpoints are spoken to with, when nothing is configured.
  func upstreamVersion(_ pool: ConnectionPool) -> HTTPVersion {
    if pool.keepsClientProtocol { return connection?.version ?? .http1 }
    if pool.prefersHTTP2 { return .http2 }
    switch declared {
    case .http2, .grpc: return .http2
    case .http1, .tcp: return .http1
    case nil: return connection?.version ?? .http1
    }
  }

  private func speak(_ version: HTTPVersion) {
    // What was waited for on a port that declares nothing is no head's time.
    patience = Patience(limits, at: firstByte ?? proxy.now)
    let made = ServerConnection(version, limits: limits)
    made.handler = self
    connection = made
  }

  private func startRelay(isTentative: Bool = false) {
    relay = RawRelay(self, isTentative: isTentative)
    relay?.start()
  }

  /// The rules in force now: a connection that is kept open follows them as they change.
  var tables: WaypointTables { proxy.tables ?? first }

  // MARK: The client's pipe

  func opened() {}

  func received(_ bytes: Span<UInt8>) {
    if let connection {
      connection.receive(bytes)
      return afterReceiving()
    }
    if firstByte == nil { firstByte = proxy.now }
    guard let relay else { return receivedHTTP(bytes) }
    guard relay.isTentative else {
      relay.fromClient(bytes)
      return noteHeld()
    }
    for index in bytes.indices { unread.append(bytes[index]) }
    switch Sniff.of(unread) {
    case .undecided: return watch()
    case .other:
      relay.isTentative = false
      relay.fromClient(unread.span)
    case .http(let version):
      self.relay = nil
      relay.giveUp()
      begin(version)
    }
    unread = []
  }

  /// On a port that declares HTTP.
  private func receivedHTTP(_ bytes: Span<UInt8>) {
    for index in bytes.indices { unread.append(bytes[index]) }
    if let version = Sniff.version(unread) { begin(version) } else { watch() }
  }

  func begin(_ version: HTTPVersion) {
    speak(version)
    let found = unread
    unread = []
    connection?.receive(found.span)
    afterReceiving()
  }

  func ended() {
    hasEnded = true
    // It cannot become the preface of HTTP/2 any more.
    if connection == nil, relay == nil { begin(.http1) }
    if let connection {
      connection.finish()
      afterReceiving()
    } else {
      if let relay, relay.isTentative, !unread.isEmpty {
        relay.isTentative = false
        relay.fromClient(unread.span)
        unread = []
      }
      relay?.clientEnded()
    }
  }

  func broken(_ failure: PipeFailure) {
    pipe = nil
    connection?.cut()
    // Cut while nothing was clear: it was no request, in any case.
    relay?.clientLeft(failure)
    finish()
  }

  func transmit(into bytes: inout OutputSpan<UInt8>) -> PipeFill {
    if let relay { return relay.toClient(&bytes) }
    let before = bytes.count
    connection?.transmit(into: &bytes)
    if bytes.count > before {
      lastWritten = proxy.now
      return .bytes
    }
    return connection?.isFinished == true ? .end : .later
  }

  func settle() {
    connection?.settle()
    if let connection, !leaving.isEmpty { leaving = leaving.filter { connection.isLeaving($0.key) } }
    relay?.settleClient()
    noteHeld()
    afterReceiving()
  }

  func afterReceiving() {
    guard let connection else { return }
    noteHeld()
    if let end = connection.fault?.end { count(end) }
    giveCredit(connection.takeCredit())
    if connection.wantsWrite || connection.isFinished { pipe?.wake() }
    // Who was ended for a reason may not close by itself, and gets time to read why.
    if connection.isFinished, hasEnded || connection.version == .http2 && !hasCounted {
      return close(isClean: true)
    }
    watch()
  }

  /// Tells the proxy how much waits.
  func noteHeld() {
    let now = isGone ? 0 : (connection?.held ?? 0) + (relay?.held ?? 0) + uncredited
    proxy.hold(now - held)
    held = now
  }

  /// Bytes of a request have left. Nothing else may come of the client until it is told so.
  func consumed(_ id: ExchangeID, _ count: Int) {
    guard let connection, count > 0 else { return }
    connection.consumed(id, count)
    giveCredit(connection.takeCredit())
  }

  func giveCredit(_ count: Int) { if count > 0 { pipe?.credit(count) } }
  func wakePipe() { pipe?.wake() }

  /// Ends the client's connection; `isClean`: nothing was cut.
  func close(isClean: Bool) {
    let pipe = pipe
    self.pipe = nil
    pipe?.close(isClean: isClean)
    finish()
  }

  /// Policy has changed: what it forbids now ends.
  func judgeAgain() {
    relay?.judgeAgain()
    for exchange in Array(exchanges.values) { exchange.judgeAgain() }
  }

  private func finish() {
    let left = exchanges
    exchanges = [:]
    for exchange in left.values { exchange.clientLeft() }
    leaving = [:]
    proxy.cancel(alarm?.token)
    alarm = nil
    noteHeld()
    proxy.left(self)
  }

  func drain() {
    // Who has not said anything is not cut.
    if connection == nil, relay == nil { return close(isClean: true) }
    connection?.drain()
  }

  /// Nothing can be said to the client any more, and nothing comes of it.
  var isGone: Bool { pipe == nil }
  var isRelaying: Bool { relay.map { !$0.isTentative } ?? false }
  var underWay: some Collection<RequestExchange> { exchanges.values }

  // MARK: Requests

  func begun(_ id: ExchangeID, _ request: IncomingRequest) {
    let exchange = RequestExchange(id, request, self)
    exchanges[id] = exchange
    arm(proxy.now + limits.stallTimeout)
    exchange.start()
  }

  func received(_ id: ExchangeID, _ bytes: Span<UInt8>) {
    guard let exchange = exchanges[id] else {
      connection?.consumed(id, bytes.count)
      return
    }
    exchange.fromClient(bytes)
  }

  func ended(_ id: ExchangeID, trailers: [Field]) { exchanges[id]?.clientEnded(trailers: trailers) }
  func aborted(_ id: ExchangeID) { exchanges.removeValue(forKey: id)?.clientLeft() }
  func sent(_ id: ExchangeID, _ count: Int) {
    if leaving[id] != nil { leaving[id] = proxy.now }
    exchanges[id]?.sentToClient(count)
  }
  func wantsTransmit() { pipe?.wake() }

  /// Names the workload that was picked in what tells it of the client.
  func name(_ destination: Identity, in head: inout RequestHead) {
    client.nameDestination(destination, in: &head.fields)
  }

  func done(_ id: ExchangeID) {
    exchanges[id] = nil
    if connection?.isLeaving(id) == true { leaving[id] = proxy.now }
    if proxy.isDraining { connection?.drain() }
  }
}

/// What the first bytes of a client say.
enum Sniff {
  case undecided
  case http(HTTPVersion)
  case other

  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  /// No other protocol begins with a line of so many bytes that begins with a word.
  private static let longestLine = 8 << 10

  /// Of bytes that are HTTP; nil as long as they may be either.
  static func version(_ bytes: [UInt8]) -> HTTPVersion? {
    guard bytes.count < preface.count else { return bytes.starts(with: preface) ? .http2 : .http1 }
    return preface.starts(with: bytes) ? nil : .http1
  }

  /// HTTP/2 is its preface. HTTP/1.x is what any application could take for it, well-formed or not: what is
  /// not read as requests here must not be read as requests there, with fields that we would have removed.
  static func of(_ bytes: [UInt8]) -> Sniff {
    if bytes.count <= preface.count ? preface.starts(with: bytes) : bytes.starts(with: preface) {
      return bytes.count < preface.count ? .undecided : .http(.http2)
    }
    // Applications skip empty lines before a request (RFC 9112 section 2.2), and some skip spaces.
    let rest = bytes.drop { [0x0d, 0x0a, 0x20, 0x09].contains($0) }
    if let end = rest.firstIndex(of: 0x0a) {
      return contains(rest[..<end], "HTTP/") ? .http(.http1) : .other
    }
    let method = rest.prefix { $0 != 0x20 && $0 != 0x09 }
    let isText = rest.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x0d || $0 == 0x09 }
    guard isText, method.count <= 32, method.allSatisfy({ HTTPGrammar.isToken($0) || $0 == 0x0d }) else {
      return .other
    }
    // A line that is too long is for the parser of requests to refuse.
    return bytes.count < longestLine ? .undecided : .http(.http1)
  }

  private static func contains(_ line: ArraySlice<UInt8>, _ text: StaticString) -> Bool {
    let text = Array(String(describing: text).utf8)
    return line.indices.contains { line[$0...].starts(with: text) }
  }
}
