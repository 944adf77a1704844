public import Bytes
import H1Engine
import HTTPModel
public import Logging
public import MeshModel
public import Reactor
import Synchronization
public import TLSEngine

/// Answers POST requests with JSON over HTTPS (HTTP/1.1): what the Kubernetes API asks of a webhook. Bounded
/// in connections, in bytes and in time.
public final class PostServer: Sendable {
  /// Makes the answer to a body; `status` is that of the response.
  public typealias Answering = @Sendable (_ body: [UInt8]) async -> (status: Int, body: [UInt8])

  /// What callers may use.
  public struct Limits: Sendable {
    /// Connections at once; one more is closed at once. API servers are few, and each may send a whole body.
    public var connections = 32
    /// From accept to the end of a connection.
    public var lifetime = Interval.seconds(120)
    /// A body, in bytes: the API takes objects of 3 MiB, and sends two of them.
    public var body = 8 << 20

    public init() {}

    var messages: H1Limits {
      var messages = H1Limits()
      messages.maximumHead = 32 << 10
      messages.maximumBody = body
      return messages
    }
  }

  private struct State {
    var sockets: [ObjectIdentifier: AsyncSocket] = [:]
    var isClosing = false
  }

  public let address: SocketAddress
  private let listener: AsyncSocket
  private let credentials: @Sendable () -> Credentials?
  private let answers: [String: Answering]
  private let limits: Limits
  private let log: Logger
  private let state = Mutex(State())
  private var thread: ReactorThread { listener.thread }

  /// Listens at once; `run` serves. `credentials` are asked for each connection, so that they can be renewed;
  /// `answers` by path.
  public init(
    on address: SocketAddress, credentials: @escaping @Sendable () -> Credentials?,
    answers: [String: Answering], thread: ReactorThread, limits: Limits = Limits(), log: Logger
  ) throws(SystemError) {
    listener = try AsyncSocket(Socket.listener(on: address), on: thread)
    self.address = try listener.localAddress()
    self.credentials = credentials
    self.answers = answers
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
        log.warning("cannot accept a caller of the webhook", metadata: ["error": "\(error)"])
        try? await thread.sleep(for: .milliseconds(100))
      }
    }
  }

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
      guard !state.isClosing, state.sockets.count < limits.connections else { return false }
      state.sockets[ObjectIdentifier(socket)] = socket
      return true
    }
    guard isTaken else { return socket.close() }
    let guarding = Task(executorPreference: thread) { [thread, limits] in
      try await thread.sleep(for: limits.lifetime)
      socket.close()
    }
    Task(executorPreference: thread) { [self] in
      do { try await serve(socket) } catch {
        log.debug("a caller of the webhook is gone", metadata: ["error": "\(error)"])
      }
      guarding.cancel()
      socket.close()
      state.withLock { _ = $0.sockets.removeValue(forKey: ObjectIdentifier(socket)) }
    }
  }

  private func serve(_ socket: AsyncSocket) async throws {
    guard let credentials = credentials() else { return }
    let settings = try TLSSettings.server(credentials: credentials, roots: nil, alpn: ["http/1.1"])
    let session = try TLSSession(settings, role: .server, expecting: .nobody)
    try session.start()
    var http = H1Server(limits: limits.messages)
    var body: [UInt8] = []
    while true {
      let ciphertext = try await socket.receive(upTo: 64 << 10)
      guard !ciphertext.isEmpty else { return }
      let bytes = try decrypted(ciphertext, session)
      var taken = 0
      while taken < bytes.count {
        var answer = ByteQueue()
        try await take(bytes, &taken, &http, &body, &answer)
        let plaintext = answer.takeAll()
        if !plaintext.isEmpty { try session.send(plaintext.span) }
        if http.isOver { taken = bytes.count }
      }
      if !session.outgoing.isEmpty { try await socket.send(session.outgoing.takeAll()) }
      if http.isOver { return }
    }
  }

  private func take(
    _ bytes: [UInt8], _ taken: inout Int, _ http: inout H1Server, _ body: inout [UInt8],
    _ answer: inout ByteQueue
  ) async throws {
    var events: [H1Event] = []
    let start = taken
    do throws(H1Error) {
      taken += try http.receive(bytes.span.extracting(taken...), into: &events)
      for case .body(let range) in events {
        body += bytes[(start + range.lowerBound)..<(start + range.upperBound)]
      }
      if http.request?.expectsContinue == true, events.last != .end, http.mayRespond {
        try http.inform(ResponseHead(status: 100), into: &answer)
      }
      guard events.last == .end, let request = http.request else { return }
      let (status, reply) = await response(to: request.head, body)
      body = []
      let fields = [Field("content-type", "application/json")]
      try http.respond(
        ResponseHead(status: status, fields: fields), body: .exactly(reply.count), into: &answer)
      try http.send(reply.span, into: &answer)
      try http.end(into: &answer)
    } catch {
      taken = bytes.count
      http.refuse(error, into: &answer)
    }
  }

  private func response(to head: RequestHead, _ body: [UInt8]) async -> (status: Int, body: [UInt8]) {
    guard let answering = answers[String(head.pathOnly)] else { return (404, []) }
    guard head.method == "POST" else { return (405, []) }
    return await answering(body)
  }

  private func decrypted(_ ciphertext: [UInt8], _ session: TLSSession) throws -> [UInt8] {
    var failure: TLSError?
    let plaintext = [UInt8](capacity: ciphertext.count + TLSSession.receiveAllowance) { output in
      do throws(TLSError) { _ = try session.receive(ciphertext.span, into: &output) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return plaintext
  }
}
