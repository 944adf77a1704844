import CNghttp2
public import HTTPModel

/// One HTTP/2 session over nghttp2, without a descriptor, a clock or a thread: bytes in, events out; bytes out.
///
/// Calls never nest: callbacks only append events, `submit` calls only queue, and only `transmit` writes. Windows are
/// given back by hand (`consume`). Not safe to share between threads.
@safe public final class H2Session {
  public enum Role: Sendable { case client, server }

  static let frameHeader = 9

  public let role: Role
  let session: OpaquePointer
  let mailbox: H2Mailbox
  /// Bytes of control frames that nghttp2 has handed out and that did not fit: sent first next time.
  private var unsent: [UInt8] = []
  private var unsentStart = 0
  private var isDead = false
  private var isBusy = false
  private var isDraining = false

  /// A session whose preface and SETTINGS are queued.
  public init(_ role: Role, settings: H2Settings = H2Settings()) {
    self.role = role
    mailbox = H2Mailbox(settings, isServer: role == .server)
    unsafe session = H2Session.make(role, settings, mailbox)
    unsafe H2Session.announce(settings, role, on: session)
  }

  deinit { unsafe nghttp2_session_del(session) }

  // MARK: Receiving

  /// Takes all of the bytes and appends what they mean, after what happened in `transmit` meanwhile.
  ///
  /// - Throws: the session's failure. The events appended are still true, and `transmit` may still have a GOAWAY to
  ///   send; then the connection is to be closed.
  public func receive(_ bytes: Span<UInt8>, into events: inout H2Events) throws(H2Error) {
    precondition(!isBusy, "receive inside a callback")
    collect(into: &events)
    if let failure = mailbox.failure { throw failure }
    isBusy = true
    swap(&events, &mailbox.events)
    let status = unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe mailbox.input = buffer.baseAddress
      mailbox.inputCount = buffer.count
      return unsafe nghttp2_session_mem_recv(session, buffer.baseAddress, buffer.count)
    }
    unsafe mailbox.input = nil
    swap(&events, &mailbox.events)
    isBusy = false
    if status < 0 {
      isDead = true
      mailbox.fail(H2Session.code(ofLibraryError: status), H2Session.text(ofLibraryError: status))
    }
    if mailbox.mayFinishDrain { finishDrain() }
    if let failure = mailbox.failure { throw failure }
  }

  /// Moves the events of `transmit` (streams closed by what was sent) to the end of `events`.
  public func collect(into events: inout H2Events) {
    guard !mailbox.events.isEmpty else { return }
    if events.isEmpty {
      swap(&events, &mailbox.events)
    } else {
      events.list += mailbox.events.list
      mailbox.events.removeAll()
    }
  }

  /// True when `collect` has something to give.
  public var hasEvents: Bool { !mailbox.events.isEmpty }

  // MARK: Transmitting

  /// Appends as many frames as fit: first what did not fit last time, then control frames and DATA as nghttp2 orders
  /// them, the payload written by the source in place. Ends when the output is full or nothing is left to say; see
  /// `wantsWrite`. Give at least 17 KiB of room; 128 KiB serves bulk best.
  public func transmit(into bytes: inout OutputSpan<UInt8>, from source: some H2BodySource) throws(H2Error) {
    precondition(!isBusy, "transmit inside a callback")
    isBusy = true
    mailbox.source = source
    let status = unsafe bytes.withUnsafeMutableBufferPointer { buffer, count -> Int in
      unsafe mailbox.output = buffer.baseAddress.map { unsafe $0 + count }
      mailbox.capacity = buffer.count - count
      mailbox.used = 0
      let status = pack()
      count += mailbox.used
      return status
    }
    mailbox.source = nil
    unsafe mailbox.output = nil
    mailbox.capacity = 0
    mailbox.used = 0
    isBusy = false
    guard status < 0 else { return }
    isDead = true
    let error = H2Error(
      .session, blame: .ourselves, code: .internalError, H2Session.text(ofLibraryError: status))
    if mailbox.failure == nil { mailbox.failure = error }
    throw error
  }

  private func pack() -> Int {
    mailbox.isOutputFull = false
    if unsentStart < unsent.count {
      let part = min(unsent.count - unsentStart, mailbox.room)
      unsafe unsent.withUnsafeBufferPointer { buffer in
        if let start = buffer.baseAddress { unsafe put(start + unsentStart, part) }
      }
      unsentStart += part
      guard unsentStart == unsent.count else { return 0 }
      unsent.removeAll(keepingCapacity: false)
      unsentStart = 0
    }
    guard !isDead else { return 0 }
    while mailbox.room > 0 {
      var frame: UnsafePointer<UInt8>?
      let count = unsafe nghttp2_session_mem_send(session, &frame)
      guard count > 0, let frame = unsafe frame else { return count }
      let part = min(count, mailbox.room)
      unsafe put(frame, part)
      if part < count { unsafe unsent += UnsafeBufferPointer(start: frame + part, count: count - part) }
    }
    mailbox.isOutputFull = true
    return 0
  }

  private func put(_ start: UnsafePointer<UInt8>, _ count: Int) {
    guard count > 0, let output = unsafe mailbox.output else { return }
    unsafe (output + mailbox.used).update(from: start, count: count)
    mailbox.used += count
  }

  /// True when `transmit` would write: frames or unsent bytes wait, and windows allow it.
  public var wantsWrite: Bool {
    if unsentStart < unsent.count { return true }
    return unsafe !isDead && nghttp2_session_want_write(session) != 0
  }

  /// True when nothing will ever be read or written again: the connection can be closed.
  public var isFinished: Bool {
    guard unsentStart == unsent.count else { return false }
    return unsafe isDead
      || (nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0)
  }

  /// Why the session failed, if it did; set at the latest when its GOAWAY has been written.
  public var failure: H2Error? { mailbox.failure }
}

extension H2Session {
  // MARK: Streams

  /// True while a client may open streams: neither side has said goodbye, and identifiers are left.
  public var takesRequests: Bool {
    unsafe role == .client && !isDraining && !isDead && nghttp2_session_check_request_allowed(session) != 0
  }

  /// Queues a request and returns its stream. Above the peer's stream limit it waits inside the session.
  ///
  /// - Throws: with scope `session`, when no stream can be opened any more (GOAWAY, identifiers used up).
  public func submitRequest(_ fields: [Field], hasBody: Bool) throws(H2Error) -> Int32 {
    precondition(role == .client, "only clients open streams")
    guard takesRequests else {
      throw H2Error(.session, blame: .ourselves, code: .refusedStream, "the session takes no more requests")
    }
    let stream = try unsafe H2FieldBlock.withPairs(fields, scope: .session) { pairs in
      var provider = unsafe H2Session.bodyProvider
      return unsafe withUnsafePointer(to: &provider) { body in
        unsafe nghttp2_submit_request(
          session, nil, pairs.baseAddress, pairs.count, hasBody ? body : nil, nil)
      }
    }
    guard stream > 0 else {
      throw H2Error(
        .session, blame: .ourselves, code: .internalError, H2Session.text(ofLibraryError: Int(stream)))
    }
    mailbox.live.insert(stream)
    return stream
  }

  /// Queues a response; without a body it ends our side of the stream. A stream that is gone is ignored.
  public func submitResponse(_ stream: Int32, _ fields: [Field], hasBody: Bool) throws(H2Error) {
    precondition(role == .server, "only servers answer")
    guard mailbox.live.contains(stream) else { return }
    let status = try unsafe H2FieldBlock.withPairs(fields, scope: .stream(stream)) { pairs in
      var provider = unsafe H2Session.bodyProvider
      return unsafe withUnsafePointer(to: &provider) { body in
        unsafe nghttp2_submit_response(session, stream, pairs.baseAddress, pairs.count, hasBody ? body : nil)
      }
    }
    guard status == 0 else {
      throw H2Error(
        .stream(stream), blame: .ourselves, code: .internalError, H2Session.text(ofLibraryError: Int(status)))
    }
  }

  /// Asks the source again for a stream that answered `later`; harmless for any other.
  public func resume(_ stream: Int32) { unsafe _ = nghttp2_session_resume_data(session, stream) }

  /// Queues RST_STREAM; `streamClosed` follows when it has been written. A stream that is gone is ignored.
  public func reset(_ stream: Int32, _ code: H2Code) {
    guard mailbox.live.contains(stream) else { return }
    unsafe _ = nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, code.rawValue)
  }

  /// Gives `count` bytes of window back, to the stream and the session; for a stream that is gone, to the session.
  public func consume(_ stream: Int32, _ count: Int) {
    guard count > 0 else { return }
    check(unsafe nghttp2_session_consume(session, stream, count))
  }

  /// Gives window back to the stream only: its share of the session is given back separately.
  public func consumeStream(_ stream: Int32, _ count: Int) {
    guard count > 0 else { return }
    check(unsafe nghttp2_session_consume_stream(session, stream, count))
  }

  /// Gives window back to the session only.
  public func consumeConnection(_ count: Int) {
    guard count > 0 else { return }
    check(unsafe nghttp2_session_consume_connection(session, count))
  }

  /// Giving back more than was received is our bug.
  private func check(_ status: Int32) { precondition(status == 0, "window credit: \(status)") }

  /// Streams not yet closed, requests that still wait for the peer's limit among them.
  public var openStreams: Int { mailbox.live.count }

  /// The peer's stream limit: 100 is assumed until its SETTINGS arrive; `UInt32.max` when it has none.
  public var peerMaxConcurrentStreams: UInt32 {
    unsafe nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
  }
}

extension H2Session {
  // MARK: The session

  /// Queues a PING; `pong` brings the payload back.
  public func ping(_ payload: UInt64) {
    precondition(payload != H2Mailbox.drainPing, "this payload is the engine's own")
    submitPing(payload)
  }

  private func submitPing(_ payload: UInt64) {
    var bytes = payload.bigEndian
    unsafe withUnsafeBytes(of: &bytes) { buffer in
      unsafe _ = nghttp2_submit_ping(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), buffer.bindMemory(to: UInt8.self).baseAddress)
    }
  }

  /// Ends the session gracefully. A server says so with a first GOAWAY that still takes every stream under way, and
  /// names the last stream when the peer has answered a PING, so that none is lost (RFC 9113 section 6.8). A
  /// client opens no more streams. Open streams go on; `isFinished` follows the last one.
  public func drain() {
    guard !isDraining else { return }
    isDraining = true
    mailbox.ending = .noError
    if role == .server {
      unsafe _ = nghttp2_submit_shutdown_notice(session)
      submitPing(H2Mailbox.drainPing)
    } else {
      finishDrain()
    }
  }

  private func finishDrain() {
    mailbox.mayFinishDrain = false
    let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
    unsafe _ = nghttp2_submit_goaway(
      session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, H2Code.noError.rawValue, nil, 0)
  }

  /// Ends the session at once: after its GOAWAY is written nothing more is read or written.
  public func goaway(_ code: H2Code) {
    isDraining = true
    mailbox.ending = code
    unsafe _ = nghttp2_session_terminate_session(session, code.rawValue)
  }
}
