import CNghttp2
import HTTPModel

/// The C functions that nghttp2 calls while `receive` or `transmit` runs.
enum H2Callbacks {
  private static let goOn: Int32 = 0
  private static let failStream = NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue

  private static func mailbox(_ user: UnsafeMutableRawPointer?) -> H2Mailbox {
    guard let user = unsafe user else { preconditionFailure("nghttp2 lost its user data") }
    return unsafe Unmanaged<H2Mailbox>.fromOpaque(user).takeUnretainedValue()
  }

  static func register(_ callbacks: OpaquePointer?) {
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, user in
      unsafe H2Callbacks.beginHeaders(frame, H2Callbacks.mailbox(user))
    }
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      session, frame, name, nameLength, value, valueLength, _, user in
      let mailbox = unsafe H2Callbacks.mailbox(user)
      let answer = unsafe H2Callbacks.charge(nameLength + valueLength, session, frame, mailbox)
      if let answer { return answer }
      let nameBytes = unsafe UnsafeBufferPointer(start: name, count: nameLength)
      let valueBytes = unsafe UnsafeBufferPointer(start: value, count: valueLength)
      guard let name = unsafe String(validating: nameBytes, as: UTF8.self) else {
        return H2Callbacks.failStream
      }
      let value = unsafe WireText.text(Span(_unsafeElements: valueBytes))
      mailbox.fields.append(Field(name, value))
      return H2Callbacks.goOn
    }
    unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { session, head, user in
      unsafe H2Callbacks.beginFrame(session, head, H2Callbacks.mailbox(user))
    }
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { session, frame, user in
      unsafe H2Callbacks.frameReceived(session, frame, H2Callbacks.mailbox(user))
    }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
      _, _, stream, data, count, user in
      unsafe H2Callbacks.dataReceived(stream, data, count, H2Callbacks.mailbox(user))
    }
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, user in
      let mailbox = unsafe H2Callbacks.mailbox(user)
      if mailbox.live.remove(stream) != nil {
        mailbox.append(.streamClosed(stream: stream, code: H2Code(rawValue: code)))
      }
      return H2Callbacks.goOn
    }
    unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) {
      session, frame, error, user in
      unsafe H2Callbacks.invalidFrame(session, error, H2Callbacks.mailbox(user))
    }
    unsafe registerSending(callbacks)
  }

  private static func registerSending(_ callbacks: OpaquePointer?) {
    unsafe nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks) {
      _, _, _, _, _, peerMaximum, user in
      unsafe H2Callbacks.mailbox(user).payloadLimit(peerMaximum: Int(peerMaximum))
    }
    unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks) { _, _, header, count, _, user in
      unsafe H2Callbacks.writeHeader(header, count, H2Callbacks.mailbox(user))
    }
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { session, frame, user in
      unsafe H2Callbacks.frameSent(session, frame, H2Callbacks.mailbox(user))
    }
    unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) { _, frame, error, user in
      unsafe H2Callbacks.frameNotSent(frame, error, H2Callbacks.mailbox(user))
    }
  }
}

extension H2Callbacks {
  // MARK: Receiving

  /// Every frame but CONTINUATION means that a section before it is over.
  private static func beginFrame(
    _ session: OpaquePointer?, _ head: UnsafePointer<nghttp2_frame_hd>?, _ mailbox: H2Mailbox
  ) -> Int32 {
    guard let type = unsafe head?.pointee.type else { return goOn }
    switch UInt32(type) {
    case NGHTTP2_CONTINUATION.rawValue: return goOn
    case NGHTTP2_HEADERS.rawValue: mailbox.worked()
    case NGHTTP2_DATA.rawValue, NGHTTP2_RST_STREAM.rawValue, NGHTTP2_SETTINGS.rawValue,
      NGHTTP2_PING.rawValue, NGHTTP2_GOAWAY.rawValue:
      break
    default:
      mailbox.idleFrames += 1
      if mailbox.idleFrames > mailbox.settings.maximumIdleFrames {
        unsafe _ = end(session, mailbox, "too many frames that move nothing", .idleFrames)
      }
    }
    mailbox.isInSection = false
    return goOn
  }

  private static func beginHeaders(_ frame: UnsafePointer<nghttp2_frame>?, _ mailbox: H2Mailbox) -> Int32 {
    mailbox.fields = []
    mailbox.fieldBytes = 0
    mailbox.sections += 1
    mailbox.isInSection = true
    if mailbox.isServer, let frame = unsafe frame, unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
      unsafe _ = mailbox.live.insert(frame.pointee.hd.stream_id)
    }
    return goOn
  }

  /// Counts a field before anything is made of it; nil when it is to be kept.
  private static func charge(
    _ count: Int, _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ mailbox: H2Mailbox
  ) -> Int32? {
    guard mailbox.failure == nil else { return failStream }
    // 32 bytes of overhead a field, as RFC 9113 section 6.5.2 counts.
    mailbox.fieldBytes += count + 32
    guard mailbox.isSectionTooLarge else { return nil }
    mailbox.fields = []
    if mailbox.fieldBytes > mailbox.settings.decodingFactor * Int(mailbox.settings.maximumHeaderList) {
      unsafe _ = end(session, mailbox, "fields that grow far above the limit of a head", .fields)
      return failStream
    }
    // Decoded to its end, for the sake of the fields after it, and forgotten.
    guard !mailbox.settings.tellsLargeSections else { return goOn }
    if let stream = unsafe frame?.pointee.hd.stream_id {
      unsafe _ = nghttp2_submit_rst_stream(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, H2Code.enhanceYourCalm.rawValue)
    }
    return failStream
  }

  private static func dataReceived(
    _ stream: Int32, _ data: UnsafePointer<UInt8>?, _ count: Int, _ mailbox: H2Mailbox
  ) -> Int32 {
    guard let data = unsafe data, let input = unsafe mailbox.input else { return goOn }
    let start = unsafe data - input
    precondition(start >= 0 && start + count <= mailbox.inputCount, "payload outside of the input")
    mailbox.emptyFrames = 0
    mailbox.append(.data(stream: stream, range: start..<start + count))
    return goOn
  }

  private static func frameReceived(
    _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ mailbox: H2Mailbox
  ) -> Int32 {
    guard let frame = unsafe frame else { return goOn }
    let head = unsafe frame.pointee.hd
    let ends = UInt32(head.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
    let acknowledges = UInt32(head.flags) & NGHTTP2_FLAG_ACK.rawValue != 0
    switch UInt32(head.type) {
    case NGHTTP2_HEADERS.rawValue:
      mailbox.isInSection = false
      mailbox.append(
        mailbox.isSectionTooLarge
          ? .tooLarge(stream: head.stream_id, endStream: ends)
          : .headers(stream: head.stream_id, fields: mailbox.fields, endStream: ends))
      mailbox.fields = []
    case NGHTTP2_DATA.rawValue:
      if ends {
        mailbox.append(.endOfStream(stream: head.stream_id))
      } else if unsafe head.length == frame.pointee.data.padlen {
        return unsafe emptyFrame(session, mailbox)
      }
    case NGHTTP2_RST_STREAM.rawValue:
      let code = unsafe H2Code(rawValue: frame.pointee.rst_stream.error_code)
      mailbox.append(.reset(stream: head.stream_id, code: code))
      mailbox.batchResets += 1
      if mailbox.isServer, mailbox.batchResets > mailbox.settings.resetBurst, mailbox.failure == nil {
        return unsafe end(session, mailbox, "streams opened and reset too fast", .rapidReset)
      }
    case NGHTTP2_GOAWAY.rawValue:
      let goaway = unsafe frame.pointee.goaway
      unsafe mailbox.append(
        .goaway(lastStream: goaway.last_stream_id, code: H2Code(rawValue: goaway.error_code)))
    case NGHTTP2_SETTINGS.rawValue where !acknowledges:
      mailbox.append(.settings)
    case NGHTTP2_PING.rawValue where acknowledges:
      pong(unsafe frame.pointee.ping, mailbox)
    default: break
    }
    return goOn
  }

  private static func pong(_ ping: nghttp2_ping, _ mailbox: H2Mailbox) {
    let payload = unsafe withUnsafeBytes(of: ping.opaque_data) { unsafe $0.loadUnaligned(as: UInt64.self) }
    if UInt64(bigEndian: payload) == H2Mailbox.drainPing {
      mailbox.mayFinishDrain = mailbox.ending != nil
    } else {
      mailbox.append(.pong(UInt64(bigEndian: payload)))
    }
  }

  private static func emptyFrame(_ session: OpaquePointer?, _ mailbox: H2Mailbox) -> Int32 {
    mailbox.emptyFrames += 1
    guard mailbox.emptyFrames > mailbox.settings.maximumEmptyFrames else { return goOn }
    return unsafe end(session, mailbox, "too many DATA frames without a byte", .emptyFrames)
  }

  private static func invalidFrame(_ session: OpaquePointer?, _ error: Int32, _ mailbox: H2Mailbox) -> Int32 {
    mailbox.streamErrors += 1
    guard mailbox.streamErrors > mailbox.settings.maximumStreamErrors else { return goOn }
    return unsafe end(session, mailbox, "too many frames that break a rule", .streamErrors)
  }

  private static func end(
    _ session: OpaquePointer?, _ mailbox: H2Mailbox, _ detail: String, _ abuse: H2Abuse
  ) -> Int32 {
    mailbox.fail(.enhanceYourCalm, detail, abuse)
    unsafe _ = nghttp2_session_terminate_session(session, H2Code.enhanceYourCalm.rawValue)
    return goOn
  }
}

extension H2Callbacks {
  // MARK: Sending

  /// The source writes the payload behind the place of its frame header; `writeHeader` completes the frame.
  static func fill(
    _ session: OpaquePointer?, _ stream: Int32, _ count: Int, _ flags: UnsafeMutablePointer<UInt32>?,
    _ mailbox: H2Mailbox
  ) -> Int {
    guard let flags = unsafe flags, let output = unsafe mailbox.output, let source = mailbox.source,
      !mailbox.lacksRoom
    else {
      // The output is full: ends this transmit, and the stream is asked again in the next one.
      return Int(NGHTTP2_ERR_PAUSE.rawValue)
    }
    let place = unsafe UnsafeMutableBufferPointer(
      start: output + mailbox.used + H2Session.frameHeader, count: count)
    var bytes = unsafe OutputSpan(buffer: place, initializedCount: 0)
    let answer = source.fill(stream: stream, into: &bytes)
    let filled = unsafe bytes.finalize(for: place)
    mailbox.filled = filled
    unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
    switch answer {
    case .bytes:
      guard filled > 0 else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
      mailbox.earn(filled, of: count)
    case .later:
      guard filled > 0 else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
    case .end:
      unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
    case .endWithTrailers(let fields):
      let submitted = try? unsafe H2FieldBlock.withPairs(fields, scope: .stream(stream)) { pairs in
        unsafe nghttp2_submit_trailer(session, stream, pairs.baseAddress, pairs.count)
      }
      guard submitted == 0 else { return Int(failStream) }
      unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
    case .failed(let code):
      unsafe _ = nghttp2_submit_rst_stream(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, code.rawValue)
      return Int(failStream)
    }
    return filled
  }

  private static func writeHeader(_ header: UnsafePointer<UInt8>?, _ count: Int, _ mailbox: H2Mailbox)
    -> Int32
  {
    guard let header = unsafe header, let output = unsafe mailbox.output else {
      return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
    }
    precondition(
      count == mailbox.filled && mailbox.room >= H2Session.frameHeader + count, "not what was filled")
    unsafe (output + mailbox.used).update(from: header, count: H2Session.frameHeader)
    mailbox.used += H2Session.frameHeader + count
    return goOn
  }

  private static func frameSent(
    _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ mailbox: H2Mailbox
  ) -> Int32 {
    guard let frame = unsafe frame else { return goOn }
    let head = unsafe frame.pointee.hd
    switch UInt32(head.type) {
    case NGHTTP2_GOAWAY.rawValue: unsafe goawaySent(frame.pointee.goaway, mailbox)
    case NGHTTP2_DATA.rawValue, NGHTTP2_HEADERS.rawValue:
      if UInt32(head.type) == NGHTTP2_DATA.rawValue { mailbox.worked() }
      guard UInt32(head.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0, mailbox.isServer,
        mailbox.settings.endsUnreadRequests,
        unsafe nghttp2_session_get_stream_remote_close(session, head.stream_id) == 0
      else { return goOn }
      unsafe _ = nghttp2_submit_rst_stream(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), head.stream_id, H2Code.noError.rawValue)
    default: break
    }
    return goOn
  }

  private static func goawaySent(_ goaway: nghttp2_goaway, _ mailbox: H2Mailbox) {
    if unsafe goaway.error_code != 0, unsafe goaway.error_code != mailbox.ending?.rawValue {
      let reason = unsafe UnsafeBufferPointer(start: goaway.opaque_data, count: goaway.opaque_data_len)
      let (code, words) = unsafe (
        H2Code(rawValue: goaway.error_code), String(decoding: reason, as: UTF8.self)
      )
      let abuse = H2Session.abuse(of: code, words)
      mailbox.fail(code, words.isEmpty ? abuse?.rawValue ?? "" : words, abuse)
    }
  }

  /// A request that could not be opened: it was reset while it waited, or GOAWAY came first. nghttp2 may not
  /// know it as a stream, so its end is told here.
  private static func frameNotSent(
    _ frame: UnsafePointer<nghttp2_frame>?, _ error: Int32, _ mailbox: H2Mailbox
  ) -> Int32 {
    guard let frame = unsafe frame, !mailbox.isServer else { return goOn }
    let head = unsafe frame.pointee.hd
    guard UInt32(head.type) == NGHTTP2_HEADERS.rawValue,
      unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST, mailbox.live.remove(head.stream_id) != nil
    else { return goOn }
    let wasReset = error == NGHTTP2_ERR_STREAM_CLOSING.rawValue
    mailbox.append(.streamClosed(stream: head.stream_id, code: wasReset ? .cancel : .refusedStream))
    return goOn
  }
}

extension H2Session {
  /// The provider of every body: the mailbox knows whom to ask.
  static var bodyProvider: nghttp2_data_provider {
    unsafe nghttp2_data_provider(source: nghttp2_data_source()) { session, stream, _, count, flags, _, user in
      guard let user = unsafe user else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
      let mailbox = unsafe Unmanaged<H2Mailbox>.fromOpaque(user).takeUnretainedValue()
      return unsafe H2Callbacks.fill(session, stream, count, flags, mailbox)
    }
  }
}
