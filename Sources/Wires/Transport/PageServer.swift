import Bytes
import H1Engine
import HTTPModel
public import Logging
public import MeshModel
public import Reactor
import Synchronization

/// Serves pages over plain HTTP/1.1: readiness, metrics. GET and HEAD, and POST where something may be
/// changed; bounded in connections and in time.
public final class PageServer: Sendable {
  /// Makes the page of a path; given the query, without its `?`.
  public typealias Maker = @Sendable (_ query: String?) async -> Page

  private struct State {
    var sockets: [ObjectIdentifier: AsyncSocket] = [:]
    var refused = 0
    var isClosing = false
  }

  public let address: SocketAddress
  private let listener: AsyncSocket
  private let pages: [String: Maker]
  /// Those that browsers show: guarded by `PageGuard`.
  private let browsed: [String: Maker]
  /// What a POST does, and what it answers.
  private let actions: [String: Maker]
  private let limits: PageLimits
  private let log: Logger
  private let state = Mutex(State())
  private var thread: ReactorThread { listener.thread }

  /// Listens at once, in the network namespace of the calling thread; `run` serves. `pages` by path;
  /// `browsed`: those for browsers, which are given only to who asks for them by our address or `localhost`;
  /// `actions` are what a POST does: its body says nothing, and no browser may send it for another site.
  public convenience init(
    on address: SocketAddress, pages: [String: Maker], browsed: [String: Maker] = [:],
    actions: [String: Maker] = [:], thread: ReactorThread, limits: PageLimits = PageLimits(), log: Logger
  ) throws(SystemError) {
    try self.init(
      listening: Socket.listener(on: address), pages: pages, browsed: browsed, actions: actions,
      thread: thread, limits: limits, log: log)
  }

  /// The same on a socket that listens already, in whatever network namespace it was made.
  public init(
    listening socket: consuming Socket, pages: [String: Maker], browsed: [String: Maker] = [:],
    actions: [String: Maker] = [:], thread: ReactorThread, limits: PageLimits = PageLimits(), log: Logger
  ) throws(SystemError) {
    listener = try AsyncSocket(socket, on: thread)
    self.address = try listener.localAddress()
    self.pages = pages
    self.browsed = browsed
    self.actions = actions
    self.limits = limits
    self.log = log
  }

  /// Accepts until `close`.
  public func run() async {
    while !state.withLock({ $0.isClosing }) {
      do throws(SystemError) {
        let socket = try await listener.accept().take()
        socket.setNoDelay()
        begin(try AsyncSocket(socket, on: thread))
      } catch {
        guard !state.withLock({ $0.isClosing }) else { return }
        // Out of descriptors, most likely: let some go before the next attempt.
        log.warning("cannot accept a page's reader", metadata: ["error": "\(error)"])
        try? await thread.sleep(for: .milliseconds(100))
      }
    }
  }

  /// Open connections, and those refused because there were too many.
  public var figures: (connections: Int, refused: Int) { state.withLock { ($0.sockets.count, $0.refused) } }

  /// Stops accepting and ends every connection.
  public func close() {
    let sockets = state.withLock { state in
      state.isClosing = true
      return Array(state.sockets.values)
    }
    listener.close()
    for socket in sockets { socket.close() }
  }

  private func begin(_ socket: AsyncSocket) {
    let isTaken = state.withLock { state in
      guard !state.isClosing, state.sockets.count < limits.connections else {
        state.refused += 1
        return false
      }
      state.sockets[ObjectIdentifier(socket)] = socket
      return true
    }
    guard isTaken else { return socket.close() }
    let guarding = Task(executorPreference: thread) { [thread, limits] in
      try await thread.sleep(for: limits.lifetime)
      socket.close()
    }
    Task(executorPreference: thread) { [self] in
      await serve(socket)
      guarding.cancel()
      socket.close()
      state.withLock { _ = $0.sockets.removeValue(forKey: ObjectIdentifier(socket)) }
    }
  }

  /// One request after the other; a reader that leaves, or breaks the grammar, ends it.
  private func serve(_ socket: AsyncSocket) async {
    var http = H1Server(limits: limits.messages)
    let opened = Clock.now()
    while let bytes = try? await socket.receive(upTo: 8 << 10), !bytes.isEmpty {
      var taken = 0
      while taken < bytes.count {
        var events: [H1Event] = []
        var answer = ByteQueue()
        do throws(H1Error) {
          taken += try http.receive(bytes.span.extracting(taken...), into: &events)
          if http.request?.expectsContinue == true, !events.contains(.end), http.mayRespond {
            try http.inform(ResponseHead(status: 100), into: &answer)
          }
          if events.last == .end, let request = http.request {
            // A connection about to reach its time is not kept for another request.
            let isYoung = Clock.now() - opened < Interval(nanoseconds: limits.lifetime.nanoseconds / 2)
            let (head, body) = await response(to: request.head)
            try http.respond(head, body: .exactly(body.count), closing: !isYoung, into: &answer)
            try http.send(body.span, into: &answer)
            try http.end(into: &answer)
          }
        } catch {
          taken = bytes.count
          http.refuse(error, into: &answer)
        }
        guard (try? await socket.send(answer.takeAll())) != nil, !http.isOver else { return }
      }
    }
  }

  private func response(to request: RequestHead) async -> (ResponseHead, body: [UInt8]) {
    let path = String(request.pathOnly)
    let shown = pages[path] ?? browsed[path]
    guard shown != nil || actions[path] != nil else { return Self.text(404, "no such page\n") }
    let isGuarded = pages[path] == nil && browsed[path] != nil
    if isGuarded, !PageGuard.isOurs(request.authority) {
      return Self.text(421, "this page is served as localhost or by its address, and under no other name\n")
    }
    let isAction = request.method == "POST"
    guard let maker = isAction ? actions[path] : shown,
      isAction || request.method == "GET" || request.method == "HEAD"
    else {
      let allowed = actions[path] == nil ? "GET, HEAD" : "GET, HEAD, POST"
      var (head, body) = Self.text(405, "only \(allowed)\n")
      head.fields.append(Field("allow", allowed))
      return (head, body)
    }
    if isAction, PageGuard.isOfABrowser(request) {
      return Self.text(403, "browsers change nothing here\n")
    }
    let page = await maker(request.query.map(String.init))
    var head = ResponseHead(status: page.status, fields: [Field("content-type", page.contentType)])
    if isGuarded { head.fields += PageGuard.fields(policy: page.contentPolicy) }
    return (head, page.body)
  }

  private static func text(_ status: Int, _ text: String) -> (ResponseHead, body: [UInt8]) {
    let head = ResponseHead(status: status, fields: [Field("content-type", "text/plain; charset=utf-8")])
    return (head, Array(text.utf8))
  }
}
