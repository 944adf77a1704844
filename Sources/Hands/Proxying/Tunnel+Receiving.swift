import Bytes
import H2Engine
import HBONE
import HTTPModel
import MeshModel
import Reactor
import TLSEngine

// From the socket to the streams.
extension Tunnel {
  func receive() {
    let worker = self.worker
    worker.ciphertext.clear(keeping: .max)
    worker.plaintext.clear(keeping: .max)
    let received: Received
    do throws(SystemError) {
      received = try worker.ciphertext.fill(minimum: Limits.ciphertextRead) { (output) throws(SystemError) in
        try socket.receive(into: &output)
      }
    } catch {
      return end(.unreachable(error))
    }
    switch received {
    case .wouldBlock: return
    case .end: return end(.gone("the peer closed the tunnel"))
    case .bytes: break
    }
    let progress: TLSProgress
    do throws(TLSError) {
      progress = try worker.ciphertext.withBytes { (cipher) throws(TLSError) in
        try worker.plaintext.fill(minimum: cipher.count + TLSSession.receiveAllowance) {
          (plain) throws(TLSError) in try tls.receive(cipher, into: &plain)
        }
      }
    } catch {
      return end(.untrusted(error))
    }
    if !tls.outgoing.isEmpty { worker.mark(self) }
    if stage == .handshaking, tls.isOpen, leaveStrangers() { beginSession() }
    guard stage == .open else { return }
    receivePlaintext()
    if progress == .closed { end(.gone("the peer closed the tunnel")) }
  }

  /// Mutual TLS is complete: both sides speak HTTP/2 from now on.
  func beginSession() {
    guard acceptPeer() else { return }
    stage = .open
    opened = worker.now
    if key == nil { worker.tunnelCounts.served += 1 } else { worker.tunnelCounts.dialed += 1 }
    let limits = key == nil ? HBONELimits.server : HBONELimits.client
    var settings = H2Settings()
    settings.streamWindow = limits.streamWindow
    settings.connectionWindow = limits.connectionWindow
    settings.maximumFrame = limits.maximumFrame
    settings.maximumHeaderList = limits.maximumHeaderList
    if key == nil { settings.maximumConcurrentStreams = limits.concurrentStreams }
    session = H2Session(key == nil ? .server : .client, settings: settings)
    let keepalive = Keepalive(
      at: worker.now, pingAfter: worker.times.pingAfter, silenceKills: worker.times.silenceKills)
    self.keepalive = keepalive
    setDeadline(keepalive.deadline)
    idleSince = worker.now
    worker.mark(self)
    let openings = waiting
    waiting = []
    for opening in openings { opening.tunnelOpened(self) }
    if isDraining || worker.isDraining { announceDrain() }
  }

  func receivePlaintext() {
    guard let session, !worker.plaintext.isEmpty else { return }
    var failure: H2Error?
    var events = H2Events()
    swap(&events, &worker.events)
    worker.plaintext.withBytes { plain in
      do throws(H2Error) {
        try session.receive(plain, into: &events)
      } catch {
        failure = error
      }
      for event in events.list { handle(event) }
      for connection in touched {
        connection.deliverPieces(of: plain, from: self)
      }
    }
    for connection in touched where connection.isWriteEnding { connection.shutWriteIfDrained() }
    for connection in touched { connection.finishIfDone() }
    touched.removeAll(keepingCapacity: true)
    events.removeAll()
    swap(&events, &worker.events)
    if let failure { return end(.broken(failure)) }
    worker.mark(self)
  }

  func handle(_ event: H2Event) {
    switch event {
    case .headers(let stream, let fields, let endStream): handle(fields, of: stream, endStream)
    case .data(let stream, let range):
      guard let connection = connections[stream], !connection.isWriteEnding else {
        session?.consume(stream, range.count)
        return
      }
      if connection.pieces.isEmpty { touched.append(connection) }
      connection.pieces.append(range)
    case .endOfStream(let stream):
      ended(stream)
    case .reset(let stream, let code):
      if let end = connections[stream], end.wasReset(code) { touched.append(end) }
    case .streamClosed(let stream, let code):
      guard let end = connections.removeValue(forKey: stream) else { return }
      if connections.isEmpty { becameIdle() }
      if end.streamClosed(code) { touched.append(end) }
    case .goaway: drain()
    // Tunnels do not ask to be told of large sections.
    case .settings, .tooLarge: break
    case .pong(let payload): keepalive?.pong(payload, at: worker.now)
    }
  }

  func handle(_ fields: [Field], of stream: Int32, _ endStream: Bool) {
    // Fields without a pseudo-header are trailers: they end a stream and say nothing else.
    guard fields.first?.name.hasPrefix(":") == true else {
      if endStream { ended(stream) }
      return
    }
    if key == nil {
      InboundStream.begin(fields, stream, endStream: endStream, on: self)
    } else if let end = connections[stream] {
      end.answered(fields)
      if endStream { endWriting(stream) }
    }
  }

  /// The peer sends no more in this stream; the connection learns it when the batch has been delivered.
  private func ended(_ stream: Int32) {
    guard let end = connections[stream] else { return }
    end.isWriteEnding = true
    touched.append(end)
  }

  // MARK: Window credit

  /// The session's share of received bytes goes back: at once for what an application took, and when it
  /// leaves for what a full worker holds.
  func creditSession(_ count: Int) {
    guard count > 0 else { return }
    session?.consumeConnection(count)
    worker.mark(self)
  }

  /// Bytes of a stream have left: its share of the window goes back.
  func delivered(_ stream: Int32, _ count: Int) {
    session?.consumeStream(stream, count)
    worker.mark(self)
  }
}
