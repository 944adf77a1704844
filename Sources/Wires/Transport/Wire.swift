import Bytes
import H2Engine
import HTTPModel
import RPC
import Reactor
import TLSEngine

/// One TLS and HTTP/2 connection on a socket, carrying gRPC calls either way round.
///
/// A reader and a writer run as tasks on the reactor thread; everything they share is the actor's. Any
/// failure ends every call with a status that says why.
///
/// Whoever waits looks again inside the continuation's own body: between a look before it and the body, the
/// actor may have let another job in (a task of another executor comes to it by a switch), and what that job
/// would have woken was not there yet.
actor Wire {
  nonisolated let thread: ReactorThread
  let limits: WireLimits
  let role: H2Session.Role
  private let socket: AsyncSocket
  private let tls: TLSSession
  let http: H2Session
  let table: CallTable
  private var events = H2Events()
  /// Takes a request that has arrived; the server's side only.
  private let accept: (@Sendable (RPCStream, [Field]) -> Admission)?

  private(set) var failure: RPCStatus?
  private var isDraining = false
  private var isSending = false
  private var isWriteWanted = true
  private var writer: CheckedContinuation<Void, Never>?
  private var openers: [CheckedContinuation<Void, Never>] = []
  private var lastHeard = Clock.now()

  /// The most ciphertext read and plaintext packed at once, in bytes.
  private static let chunk = 64 << 10

  init(
    _ socket: AsyncSocket, _ settings: TLSSettings, expecting expectation: PeerExpectation,
    limits: WireLimits,
    accept: (@Sendable (RPCStream, [Field]) -> Admission)? = nil
  ) throws(TLSError) {
    thread = socket.thread
    self.socket = socket
    self.limits = limits
    self.accept = accept
    role = settings.role == .client ? .client : .server
    tls = try TLSSession(settings, role: settings.role, expecting: expectation)
    http = H2Session(role, settings: limits.settings)
    table = CallTable(lowMark: limits.queue / 2)
  }

  /// Serves the connection until it ends.
  func run() async {
    do throws(TLSError) {
      try tls.start()
    } catch {
      fail(RPCStatus(.unavailable, error.description))
    }
    let watch = Task(executorPreference: thread) { await self.watch() }
    async let writing: Void = write()
    await read()
    await writing
    watch.cancel()
    socket.close()
  }

  /// Returns when the handshake is over, or throws why it failed.
  func opened() async throws(RPCStatus) {
    while !tls.isOpen, failure == nil {
      await withCheckedContinuation { opener in
        if tls.isOpen || failure != nil { opener.resume() } else { openers.append(opener) }
      }
    }
    if let failure { throw failure }
  }

  /// Something waits to be written.
  func kick() {
    isWriteWanted = true
    writer?.resume()
    writer = nil
  }

  /// Ends the connection now, and every call on it with `status`.
  func fail(_ status: RPCStatus) {
    guard failure == nil else { return }
    failure = status
    if tls.isOpen {
      http.goaway(.noError)
      try? pack()
      tls.close()
    }
    // One attempt, without waiting: the alert or GOAWAY that tells the peer why.
    if !isSending, !tls.outgoing.isEmpty {
      try? socket.withSocket { (socket: borrowing Socket) throws(SystemError) in
        _ = try tls.outgoing.withBytes { (bytes: Span<UInt8>) throws(SystemError) in try socket.send(bytes) }
      }
    }
    tls.outgoing.clear()
    for call in table.calls.values {
      call.end(status)
      call.work?.cancel()
    }
    for opener in openers { opener.resume() }
    openers = []
    socket.close()
    kick()
  }

  /// True while new calls may be opened.
  var isUsable: Bool { failure == nil && !isDraining }

  /// Takes no new calls; the connection ends with its last one.
  func drain() {
    isDraining = true
    http.drain()
    kick()
  }

  /// Drains, and asks whoever answers a call to stop.
  func shutDown() {
    drain()
    for call in table.calls.values { call.work?.cancel() }
  }

  // MARK: Reading

  private func read() async {
    while failure == nil {
      do throws(SystemError) {
        let bytes = try await socket.receive(upTo: Self.chunk)
        guard failure == nil else { return }
        guard !bytes.isEmpty else {
          return fail(RPCStatus(.unavailable, "the peer closed the connection"))
        }
        lastHeard = Clock.now()
        take(bytes)
      } catch {
        return fail(RPCStatus(.unavailable, "the connection broke: \(error)"))
      }
    }
  }

  private func take(_ ciphertext: [UInt8]) {
    var failure: TLSError?
    var progress = TLSProgress.handshaking
    let wasOpen = tls.isOpen
    let plaintext = [UInt8](capacity: ciphertext.count + TLSSession.receiveAllowance) { output in
      do throws(TLSError) {
        progress = try tls.receive(ciphertext.span, into: &output)
      } catch {
        failure = error
      }
    }
    if let failure { return fail(RPCStatus(.unavailable, failure.description)) }
    if !wasOpen, tls.isOpen {
      for opener in openers { opener.resume() }
      openers = []
    }
    if !plaintext.isEmpty {
      do throws(H2Error) {
        try http.receive(plaintext.span, into: &events)
        dispatch(plaintext)
      } catch {
        dispatch(plaintext)
        return fail(RPCStatus(.unavailable, error.description))
      }
    }
    if progress == .closed { return fail(RPCStatus(.unavailable, "the peer closed the session")) }
    kick()
  }

  private func dispatch(_ bytes: [UInt8]) {
    let list = events.list
    events.removeAll()
    for event in list {
      switch event {
      case .headers(let stream, let fields, let endStream): headers(stream, fields, endStream)
      case .data(let stream, let range): data(stream, bytes.span.extracting(range))
      case .endOfStream(let stream): inputEnded(stream)
      case .streamClosed(let stream, let code): closed(stream, code)
      case .reset, .settings, .pong, .tooLarge: break
      case .goaway: isDraining = true
      }
    }
  }

  private func headers(_ stream: Int32, _ fields: [Field], _ endStream: Bool) {
    switch (role, table.calls[stream]) {
    case (.server, nil):
      guard let admission = accept?(RPCStream(wire: self, id: stream), fields) else { return }
      let call = Call(limit: min(admission.limit, limits.message))
      call.isInputOver = endStream
      call.work = admission.work
      table.calls[stream] = call
    case (.server, let call?): if endStream { call.isInputOver = true; call.wake() }
    case (.client, let call?):
      guard !call.hasHead else { return finish(stream, call, RPCResponseHead.status(ofTrailers: fields)) }
      switch RPCResponseHead.read(fields, endStream: endStream) {
      case .informational: break
      case .accepted: call.hasHead = true
      case .ended(let status): finish(stream, call, status)
      }
    case (.client, nil): http.reset(stream, .cancel)
    }
  }

  /// The server has said how the call ended: what we still had to say does not matter any more.
  private func finish(_ stream: Int32, _ call: Call, _ status: RPCStatus) {
    let cut = status.isOK && !call.decoder.isAtBoundary
    call.end(cut ? RPCStatus(.internal, "the last message was cut") : status)
    if call.ending == nil { http.reset(stream, .noError) }
  }

  private func data(_ stream: Int32, _ bytes: Span<UInt8>) {
    guard let call = table.calls[stream], call.status == nil else {
      table.calls[stream]?.discarded += bytes.count
      if let call = table.calls[stream], call.discarded > limits.queue { http.reset(stream, .noError) }
      return http.consume(stream, bytes.count)
    }
    call.credit += bytes.count
    var arrived: [[UInt8]] = []
    do throws(RPCStatus) {
      try call.decoder.receive(bytes) { arrived.append($0) }
    } catch {
      // A server's method learns it by its next receive, and answers with it.
      call.end(error)
      if role == .client { http.reset(stream, .cancel) }
    }
    call.messages += arrived
    giveBack(stream, call)
    if !call.messages.isEmpty { call.wake() }
  }

  /// Opens the peer's window again once every complete message has been taken.
  func giveBack(_ stream: Int32, _ call: Call) {
    guard call.messages.isEmpty || call.status != nil else { return }
    http.consume(stream, call.credit)
    call.credit = 0
  }

  private func inputEnded(_ stream: Int32) {
    guard let call = table.calls[stream] else { return }
    if role == .client, call.status == nil {
      call.end(RPCStatus(.unknown, "the stream ended without a status"))
    } else if !call.decoder.isAtBoundary {
      call.end(RPCStatus(.internal, "the last message was cut"))
    }
    call.isInputOver = true
    call.wake()
  }

  private func closed(_ stream: Int32, _ code: H2Code) {
    guard let call = table.calls[stream] else { return }
    call.isClosed = true
    let status =
      code == .refusedStream
      ? RPCStatus(.unavailable, "the peer refused the stream")
      : RPCStatus(.cancelled, "the stream was reset: \(code)")
    call.end(status)
    giveBack(stream, call)
    call.work?.cancel()
    if role == .server { table.calls[stream] = nil }
  }

  // MARK: Writing

  private func write() async {
    while failure == nil {
      if !isWriteWanted {
        await withCheckedContinuation { if isWriteWanted { $0.resume() } else { writer = $0 } }
      }
      isWriteWanted = false
      do throws(RPCStatus) {
        try await flush()
      } catch {
        fail(error)
      }
      if isDraining, http.isFinished, tls.outgoing.isEmpty {
        fail(RPCStatus(.unavailable, "the connection was drained"))
      }
    }
  }

  private func flush() async throws(RPCStatus) {
    while failure == nil {
      if tls.isOpen { try pack() }
      guard !tls.outgoing.isEmpty else { return }
      let bytes = tls.outgoing.takeAll()
      isSending = true
      defer { isSending = false }
      do throws(SystemError) {
        try await socket.send(bytes)
      } catch {
        throw RPCStatus(.unavailable, "the connection broke: \(error)")
      }
    }
  }

  /// Frames into one chunk of ciphertext.
  private func pack() throws(RPCStatus) {
    var failure: H2Error?
    let plaintext = [UInt8](capacity: Self.chunk) { output in
      do throws(H2Error) {
        try http.transmit(into: &output, from: table)
      } catch {
        failure = error
      }
    }
    if http.hasEvents {
      http.collect(into: &events)
      dispatch([])
    }
    do throws(TLSError) {
      if !plaintext.isEmpty { try tls.send(plaintext.span) }
    } catch {
      throw RPCStatus(.unavailable, error.description)
    }
    if let failure { throw RPCStatus(.unavailable, failure.description) }
  }

  // MARK: Watching

  /// Ends a handshake that takes too long and a connection whose peer is silent.
  private func watch() async {
    do throws(SystemError) {
      try await thread.sleep(for: limits.handshake)
      guard tls.isOpen else {
        return fail(RPCStatus(.unavailable, "no TLS handshake within \(limits.handshake.milliseconds) ms"))
      }
      while failure == nil {
        try await thread.sleep(for: limits.pingAfter)
        guard Clock.now() - lastHeard >= limits.pingAfter else { continue }
        let asked = Clock.now()
        http.ping(1)
        kick()
        try await thread.sleep(for: limits.pongWithin)
        guard lastHeard >= asked else {
          return fail(RPCStatus(.unavailable, "the peer did not answer a PING"))
        }
      }
    } catch {
      // Cancelled: the connection has ended.
    }
  }
}
