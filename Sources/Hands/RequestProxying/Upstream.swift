import Bytes
import HTTPExchange
import HTTPModel
import MeshIndex
import MeshModel
import Resilience

/// Who has a request at an upstream connection.
protocol UpstreamUser: AnyObject {
  /// Asks for what a server may not take, and waits until it is known.
  var awaitsSettings: Bool { get }
  /// The connection takes the request now.
  func opened(_ upstream: Upstream)
  func informed(_ head: ResponseHead)
  func answered(_ response: IncomingResponse)
  func received(_ bytes: Span<UInt8>)
  func ended(trailers: [Field])
  func failed(_ failure: UpstreamFailure)
  func sent(_ count: Int)
}

extension UpstreamUser {
  var awaitsSettings: Bool { false }
}

/// Why a request at an upstream connection cannot go on.
enum UpstreamFailure {
  /// No connection: nothing was said.
  case unreachable(PipeFailure)
  case exchange(ExchangeFailure)
}

/// One HTTP connection to an endpoint, on behalf of one client.
final class Upstream: PipeOwner, ClientConnectionHandler, Timed {
  let key: UpstreamKey
  let pool: UpstreamPool
  let security: DestinationSecurity
  private let connection: ClientConnection
  private var pipe: (any Pipe)?
  private var waiting: [any UpstreamUser] = []
  private var users: [ExchangeID: any UpstreamUser] = [:]
  private(set) var isOpen = false
  private(set) var isOver = false
  /// Since when nothing is under way.
  private(set) var idleSince: Instant?
  private var served = 0
  private var openedAt: Instant?
  private var timeout: UInt64?
  private let place: Place

  init(
    _ key: UpstreamKey, _ pool: UpstreamPool, security: DestinationSecurity, place: consuming Place
  ) {
    self.key = key
    self.pool = pool
    self.security = security
    self.place = place
    connection = ClientConnection(key.version, limits: pool.limits)
    connection.handler = self
  }

  func dial(_ endpoint: MeshIndex.Endpoint, _ securing: Securing?) {
    pipe = pool.proxy.dial(endpoint, securing, for: key.origin, owner: self)
    watch()
  }

  /// The time that a connection has to take requests, or to tell what it takes.
  private func watch() {
    let limit = Interval.milliseconds(max(pool.policy.pool.connectTimeout, 1))
    timeout = pool.proxy.wake(self, at: pool.now + limit)
  }

  func deadlinePassed(_ token: UInt64) {
    guard !isOpen || !waiting.isEmpty, !isOver else { return }
    let pipe = pipe
    let lacking = isOpen ? "SETTINGS" : "connection"
    broken(.failed("no \(lacking) within \(pool.policy.pool.connectTimeout) ms"))
    pipe?.close(isClean: false)
  }

  /// Another request may be given to it.
  func takesUser(limit: Int?) -> Bool {
    guard !isOver else { return false }
    if let limit, served + waiting.count >= limit { return false }
    if let most = pool.policy.pool.maxConcurrentStreams, users.count + waiting.count >= most { return false }
    if hasAged { return false }
    guard isOpen else { return key.version == .http2 && waiting.count < 100 }
    return (waiting.isEmpty || key.version == .http2) && connection.takesRequests
  }

  func take(_ user: any UpstreamUser) {
    if idleSince != nil {
      idleSince = nil
      pool.becameBusy(self)
    }
    guard isOpen, connection.hasSettings || !user.awaitsSettings else {
      if isOpen, waiting.isEmpty { watch() }
      return waiting.append(user)
    }
    user.opened(self)
  }

  /// Those that need wait no longer.
  private func admit() {
    let ready = waiting.filter { connection.hasSettings || !$0.awaitsSettings }
    waiting.removeAll { connection.hasSettings || !$0.awaitsSettings }
    if waiting.isEmpty { pool.proxy.cancel(timeout) }
    for user in ready { user.opened(self) }
    tidy()
  }

  // MARK: What users do

  func request(
    _ head: RequestHead, body: BodySize, upgrade: String?, for user: any UpstreamUser
  ) throws(HeadError) -> ExchangeID {
    var head = head
    if security.contains(.applicationTLS) { head.scheme = "https" }
    let id = try connection.request(head, body: body, upgrade: upgrade)
    served += 1
    users[id] = user
    return id
  }

  func send(_ id: ExchangeID, _ bytes: Span<UInt8>) { connection.send(id, bytes) }
  func end(_ id: ExchangeID, trailers: [Field]) { connection.end(id, trailers: trailers) }

  func consumed(_ id: ExchangeID, _ count: Int) {
    connection.consumed(id, count)
    giveCredit()
  }

  /// The user hears nothing more.
  func leave(_ user: any UpstreamUser, _ id: ExchangeID?) {
    waiting.removeAll { $0 === user }
    if let id, users.removeValue(forKey: id) != nil {
      connection.cancel(id)
      // HTTP/1.x has no other way to say that nobody waits any more.
      if connection.isClosing { return close(isClean: false) }
    }
    tidy()
  }

  // MARK: The pipe

  /// Older than connections may become (`maxConnectionDuration`): what is under way ends, and no more comes.
  var hasAged: Bool {
    guard let longest = pool.policy.pool.maxConnectionDuration, let openedAt else { return false }
    return pool.now - openedAt >= .milliseconds(longest)
  }

  func opened() {
    isOpen = true
    openedAt = pool.now
    admit()
  }

  func settled() { if isOpen { admit() } }

  func received(_ bytes: Span<UInt8>) {
    connection.receive(bytes)
    giveCredit()
    tidy()
  }

  func ended() {
    connection.finish()
    close(isClean: false)
  }

  func broken(_ failure: PipeFailure) {
    pipe = nil
    let lost = waiting
    waiting = []
    let wasOpen = isOpen
    retire()
    for user in lost { user.failed(.unreachable(failure)) }
    if wasOpen { connection.cut(failure.description) }
  }

  func transmit(into bytes: inout OutputSpan<UInt8>) -> PipeFill {
    let before = bytes.count
    connection.transmit(into: &bytes)
    return bytes.count > before ? .bytes : connection.hasSaidAll ? .end : .later
  }

  func settle() {
    connection.settle()
    if connection.wantsWrite { pipe?.wake() }
    tidy()
  }

  private func giveCredit() {
    let count = connection.takeCredit()
    if count > 0 { pipe?.credit(count) }
  }

  /// Nothing of any user is cut: closed for having been idle or used enough.
  func close(isClean: Bool = true) {
    let pipe = pipe
    self.pipe = nil
    retire()
    pipe?.close(isClean: isClean)
  }

  private func retire() {
    guard !isOver else { return }
    isOver = true
    pool.retired(self)
    idleSince = nil
  }

  /// Idle, or of no more use.
  private func tidy() {
    guard !isOver, isOpen, users.isEmpty, waiting.isEmpty else { return }
    let isSpent = pool.policy.pool.maxRequestsPerConnection.map { $0 > 0 && served >= $0 } ?? false
    if connection.isClosing || !connection.takesRequests || isSpent || hasAged || pool.isDraining {
      return close()
    }
    if idleSince == nil {
      let now = pool.now
      idleSince = now
      pool.becameIdle(self, at: now)
    }
  }

  // MARK: What the connection tells

  func wantsTransmit() { pipe?.wake() }
  func informed(_ id: ExchangeID, _ head: ResponseHead) { users[id]?.informed(head) }
  func answered(_ id: ExchangeID, _ response: IncomingResponse) { users[id]?.answered(response) }

  func received(_ id: ExchangeID, _ bytes: Span<UInt8>) {
    guard let user = users[id] else { return connection.consumed(id, bytes.count) }
    user.received(bytes)
  }

  func ended(_ id: ExchangeID, trailers: [Field]) {
    users.removeValue(forKey: id)?.ended(trailers: trailers)
  }

  func failed(_ id: ExchangeID, _ failure: ExchangeFailure) {
    users.removeValue(forKey: id)?.failed(.exchange(failure))
  }

  func sent(_ id: ExchangeID, _ count: Int) { users[id]?.sent(count) }
}

extension PipeFailure {
  /// The other end's agent said no.
  var reason: RefusalReason? { if case .refused(let reason) = self { reason } else { nil } }

  var description: String {
    switch self {
    case .refused(let reason): "refused: \(reason)"
    case .failed(let text): text
    }
  }
}
