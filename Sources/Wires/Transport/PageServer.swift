import Bytes
import H1Engine
import HTTPModel
public import Logging
public import MeshModel
public import Reactor
import Synchronization

/// Serves pages over plain HTTP/1.1: readiness, metrics. GET and HEAD, nothing else; bounded in connections
/// and in time.
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
  private let limits: PageLimits
  private let log: Logger
  private let state = Mutex(State())
  private var thread: ReactorThread { listener.thread }

  /// Listens at once, in the network namespace of the calling thread; `run` serves. `pages` by path.
  public init(
    on address: SocketAddress, pages: [String: Maker], thread: ReactorThread,
    limits: PageLimits = PageLimits(), log: Logger
  ) throws(SystemError) {
    listener = try AsyncSocket(Socket.listener(on: address), on: thread)
    self.address = try listener.localAddress()
    self.pages = pages
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
    var parser = H1RequestParser()
    let opened = Clock.now()
    while let bytes = try? await socket.receive(upTo: 8 << 10), !bytes.isEmpty {
      var events: [H1Event] = []
      var failure: H1Error?
      do throws(H1Error) {
        try parser.receive(bytes.span, into: &events)
      } catch {
        failure = error
      }
      for case .head(let head) in events {
        // A connection about to reach its time is not kept for another request.
        let isYoung = Clock.now() - opened < Interval(nanoseconds: limits.lifetime.nanoseconds / 2)
        let keepsAlive = head.keepsAlive && isYoung
        let answer = await response(to: head)
        let encoded = answer.encode(headOnly: head.method == "HEAD", keepsAlive: keepsAlive)
        guard (try? await socket.send(encoded)) != nil, keepsAlive else { return }
      }
      if let failure {
        try? await socket.send(H1Response(failure).encode(keepsAlive: false))
        return
      }
    }
  }

  private func response(to head: H1RequestHead) async -> H1Response {
    guard let maker = pages[String(head.path)] else { return H1Response(status: 404, text: "no such page\n") }
    guard head.method == "GET" || head.method == "HEAD" else {
      var answer = H1Response(status: 405, text: "only GET and HEAD\n")
      answer.fields.append(Field("allow", "GET, HEAD"))
      return answer
    }
    let page = await maker(head.query.map(String.init))
    return H1Response(
      status: page.status, fields: [Field("content-type", page.contentType)], body: page.body)
  }
}
