import CNghttp2
public import HTTPModel

extension H2Session {
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

  /// Queues an informational response (1xx), before the final one. A stream that is gone is ignored.
  public func submitInformational(_ stream: Int32, _ fields: [Field]) throws(H2Error) {
    precondition(role == .server, "only servers answer")
    guard mailbox.live.contains(stream) else { return }
    let status = try unsafe H2FieldBlock.withPairs(fields, scope: .stream(stream)) { pairs in
      unsafe nghttp2_submit_headers(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, nil, pairs.baseAddress, pairs.count, nil)
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

  /// Gives `count` bytes of window back, to the stream and the session; for a stream that is gone, to the
  /// session.
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

  /// The peer takes CONNECT with `:protocol` (RFC 8441); false until its SETTINGS arrive.
  public var peerTakesExtendedConnect: Bool {
    unsafe nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1
  }

  /// The peer's stream limit: 100 is assumed until its SETTINGS arrive; `UInt32.max` when it has none.
  public var peerMaxConcurrentStreams: UInt32 {
    unsafe nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
  }
}
