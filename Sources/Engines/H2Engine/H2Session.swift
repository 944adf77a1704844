import CNghttp2

/// One HTTP/2 session over nghttp2, without a descriptor, a clock or a thread: bytes in, events out; bytes
/// out.
///
/// Calls never nest: callbacks only append events, `submit` calls only queue, and only `transmit` writes.
/// Windows are given back by hand (`consume`). Not safe to share between threads.
@safe public final class H2Session {
  public enum Role: Sendable { case client, server }

  static let frameHeader = 9
  /// What may be sent as one field section, in bytes before compression: twice the largest head that is read
  /// (1 MiB), for what is added to it.
  static let largestSection = 2 << 20

  public let role: Role
  let session: OpaquePointer
  let mailbox: H2Mailbox
  /// Bytes of control frames that nghttp2 has handed out and that did not fit: sent first next time.
  private var unsent: [UInt8] = []
  private var unsentStart = 0
  private(set) var isDead = false
  private var isBusy = false
  var isDraining = false

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
  /// - Throws: the session's failure. The events appended are still true, and `transmit` may still have a
  /// GOAWAY to
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
      mailbox.batchResets = 0
      return unsafe nghttp2_session_mem_recv(session, buffer.baseAddress, buffer.count)
    }
    unsafe mailbox.input = nil
    swap(&events, &mailbox.events)
    isBusy = false
    if status < 0 {
      isDead = true
      mailbox.fail(
        H2Session.code(ofLibraryError: status), H2Session.text(ofLibraryError: status),
        H2Session.abuse(ofLibraryError: status))
    }
    if mailbox.mayFinishDrain { finishDrain() }
    if let failure = mailbox.failure { throw failure }
  }

  /// Moves the events of `transmit` (streams closed by what was sent) to the end of `events`.
  public func collect(into events: inout H2Events) {
    guard !mailbox.events.isEmpty else { return }
    // Copied, not exchanged: the room of a worker's list must not end up in one session.
    events.list += mailbox.events.list
    mailbox.events = H2Events()
  }

  /// True when `collect` has something to give.
  public var hasEvents: Bool { !mailbox.events.isEmpty }

  // MARK: Transmitting

  /// Appends as many frames as fit: first what did not fit last time, then control frames and DATA as nghttp2
  /// orders them, the payload written by the source in place. Ends when the output is full or nothing is left
  /// to say; see `wantsWrite`. Give at least 17 KiB of room; 128 KiB serves bulk best.
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

  /// The number of the field section of which a part has come, counted from one; nil between sections.
  public var sectionUnderWay: Int? { mailbox.isInSection ? mailbox.sections : nil }

  /// Why the session failed, if it did; set at the latest when its GOAWAY has been written.
  public var failure: H2Error? { mailbox.failure }
}
