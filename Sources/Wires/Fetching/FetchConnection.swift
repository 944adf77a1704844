import Bytes
import H1Engine
import HTTPModel
import MeshModel
import Reactor
import TLSEngine

/// One connection for one request: the engines on a socket. Reads only when somebody asks for more.
actor FetchConnection {
  nonisolated let place: String
  private nonisolated let socket: AsyncSocket
  private nonisolated let limits: FetchLimits
  private var http: H1Client
  private var tls: TLSSession?
  /// Pieces of the body that have come with others.
  private var pieces: [[UInt8]] = []
  private var head: ResponseHead?
  private var isComplete = false

  /// The most that is read at once, in bytes.
  private static let chunk = 64 << 10

  nonisolated var unownedExecutor: UnownedSerialExecutor { socket.thread.executor }

  init(_ socket: AsyncSocket, place: String, limits: FetchLimits) {
    self.socket = socket
    self.place = place
    self.limits = limits
    var messages = H1Limits()
    messages.maximumHead = limits.head
    http = H1Client(limits: messages)
  }

  nonisolated func close() { socket.close() }

  /// Makes the connection a TLS one to a server of that name.
  func secure(_ settings: TLSSettings, name: String) async throws(FetchError) {
    do throws(TLSError) {
      let session = try TLSSession(settings, role: .client, expecting: .serverName(name))
      tls = session
      try session.start()
    } catch {
      throw FetchError(.tls, at: place, error.description)
    }
    while tls?.isOpen == false {
      try await flush(.tls)
      guard tls?.isOpen == false else { break }
      _ = try await plaintext(.tls)
    }
    try await flush(.tls)
  }

  /// Sends the request and reads until the response's head.
  func ask(_ request: FetchRequest) async throws(FetchError) -> ResponseHead {
    var bytes = ByteQueue()
    do throws(H1Error) {
      let size: BodySize = request.body.map { .exactly($0.count) } ?? .none
      try http.request(request.head, body: size, closing: true, into: &bytes)
      if let body = request.body { try http.send(body.span, into: &bytes) }
      try http.end(into: &bytes)
    } catch {
      throw FetchError(.url, at: place, error.detail)
    }
    try await send(bytes.takeAll())
    while head == nil { try await receive(.response) }
    guard let head else { throw FetchError(.response, at: place, "no response") }
    return head
  }

  /// The next piece of the body; nil at its end.
  func read() async throws(FetchError) -> [UInt8]? {
    while pieces.isEmpty {
      guard !isComplete else { return nil }
      try await receive(.body)
    }
    return pieces.removeFirst()
  }

  /// The same, within the time that a stream may be silent.
  nonisolated func readStreamed() async throws(FetchError) -> [UInt8]? {
    try await Deadline.within(limits.silence, on: socket.thread, place) { () async throws(FetchError) in
      try await self.read()
    }
  }

  // MARK: Bytes

  private func receive(_ stage: FetchError.Stage) async throws(FetchError) {
    let bytes = try await plaintext(stage)
    var events: [H1Event] = []
    do throws(H1Error) {
      if let bytes { try http.receive(bytes.span, into: &events) } else { try http.finish(into: &events) }
    } catch {
      take(events, bytes ?? [])
      // What came before the fault has been delivered only when the response was complete.
      guard isComplete else { throw FetchError(stage, at: place, error.detail) }
      return
    }
    take(events, bytes ?? [])
    if bytes == nil, !isComplete { throw FetchError(stage, at: place, "the server closed the connection") }
  }

  private func take(_ events: [H1Event], _ bytes: [UInt8]) {
    for event in events {
      switch event {
      case .response(let response): if !response.head.isInformational { head = response.head }
      case .body(let range): if !range.isEmpty { pieces.append(Array(bytes[range])) }
      case .end: isComplete = true
      case .request, .trailers: break
      }
    }
  }

  /// What the server sends next, possibly nothing yet; nil at its end.
  private func plaintext(_ stage: FetchError.Stage) async throws(FetchError) -> [UInt8]? {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try await socket.receive(upTo: Self.chunk)
    } catch {
      throw FetchError(stage, at: place, "the connection broke: \(error)")
    }
    guard let tls else { return bytes.isEmpty ? nil : bytes }
    guard !bytes.isEmpty else {
      guard tls.isPeerClosed else {
        throw FetchError(stage, at: place, "the connection was cut: its end is not the server's word")
      }
      return nil
    }
    do throws(TLSError) {
      return try decrypt(bytes, tls)
    } catch {
      // The alert that says why, if the socket takes it.
      try? await flush(stage)
      throw FetchError(stage, at: place, error.description)
    }
  }

  private func decrypt(_ ciphertext: [UInt8], _ tls: TLSSession) throws(TLSError) -> [UInt8]? {
    var failure: TLSError?
    var progress = TLSProgress.handshaking
    let plaintext = [UInt8](capacity: ciphertext.count + TLSSession.receiveAllowance) { output in
      do throws(TLSError) {
        progress = try tls.receive(ciphertext.span, into: &output)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return progress == .closed && plaintext.isEmpty ? nil : plaintext
  }

  private func send(_ bytes: [UInt8]) async throws(FetchError) {
    guard let tls else { return try await sendPlain(bytes, .send) }
    do throws(TLSError) {
      try tls.send(bytes.span)
    } catch {
      throw FetchError(.send, at: place, error.description)
    }
    try await flush(.send)
  }

  private func flush(_ stage: FetchError.Stage) async throws(FetchError) {
    guard let tls, !tls.outgoing.isEmpty else { return }
    try await sendPlain(tls.outgoing.takeAll(), stage)
  }

  private func sendPlain(_ bytes: [UInt8], _ stage: FetchError.Stage) async throws(FetchError) {
    do throws(SystemError) {
      try await socket.send(bytes)
    } catch {
      throw FetchError(stage, at: place, "the connection broke: \(error)")
    }
  }
}
