import CNghttp2

extension H2Session {
  /// Makes the nghttp2 session; it lives as long as the mailbox, which both are fields of one object.
  static func make(_ role: Role, _ settings: H2Settings, _ mailbox: H2Mailbox) -> OpaquePointer {
    var callbacks: OpaquePointer?
    var option: OpaquePointer?
    var made: OpaquePointer?
    unsafe _ = nghttp2_session_callbacks_new(&callbacks)
    unsafe _ = nghttp2_option_new(&option)
    defer {
      unsafe nghttp2_session_callbacks_del(callbacks)
      unsafe nghttp2_option_del(option)
    }
    unsafe H2Callbacks.register(callbacks)
    unsafe nghttp2_option_set_no_auto_window_update(option, 1)
    unsafe nghttp2_option_set_no_closed_streams(option, 1)
    unsafe nghttp2_option_set_max_outbound_ack(option, settings.maximumUnsentAcknowledgements)
    unsafe nghttp2_option_set_max_settings(option, settings.maximumSettings)
    unsafe nghttp2_option_set_max_send_header_block_length(option, largestSection)
    unsafe nghttp2_option_set_max_continuations(option, settings.maximumContinuations)
    unsafe nghttp2_option_set_stream_reset_rate_limit(option, settings.resetBurst, settings.resetsPerSecond)
    let user = unsafe Unmanaged.passUnretained(mailbox).toOpaque()
    switch role {
    case .client: unsafe _ = nghttp2_session_client_new2(&made, callbacks, user, option)
    case .server: unsafe _ = nghttp2_session_server_new2(&made, callbacks, user, option)
    }
    guard let made = unsafe made else { preconditionFailure("nghttp2 found no memory") }
    return unsafe made
  }

  /// Queues SETTINGS and the session's window.
  static func announce(_ settings: H2Settings, _ role: Role, on session: OpaquePointer) {
    func entry(_ id: nghttp2_settings_id, _ value: UInt32) -> nghttp2_settings_entry {
      nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: value)
    }
    var entries = [
      entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UInt32(settings.streamWindow)),
      entry(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, settings.maximumFrame),
      entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings.maximumHeaderList),
    ]
    switch role {
    case .client: entries.append(entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
    case .server:
      entries.append(entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings.maximumConcurrentStreams))
      if settings.takesExtendedConnect {
        entries.append(entry(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1))
      }
    }
    let none = UInt8(NGHTTP2_FLAG_NONE.rawValue)
    let settled = unsafe entries.withUnsafeBufferPointer { buffer in
      unsafe nghttp2_submit_settings(session, none, buffer.baseAddress, buffer.count)
    }
    precondition(settled == 0, "settings out of range")
    let widened = unsafe nghttp2_session_set_local_window_size(session, none, 0, settings.connectionWindow)
    precondition(widened == 0, "connection window out of range")
  }

  static func text(ofLibraryError status: Int) -> String {
    unsafe String(cString: nghttp2_strerror(Int32(truncatingIfNeeded: status)))
  }

  static func abuse(ofLibraryError status: Int) -> H2Abuse? {
    switch Int32(truncatingIfNeeded: status) {
    case NGHTTP2_ERR_FLOODED.rawValue: .acknowledgements
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue: .continuations
    default: nil
    }
  }

  /// The limit behind a GOAWAY that nghttp2 sent on its own: it says INTERNAL_ERROR without a word for its
  /// limit of resets alone, and names that of streams.
  static func abuse(of code: H2Code, _ words: String) -> H2Abuse? {
    if code == .internalError, words.isEmpty { return .rapidReset }
    return words.contains("max concurrent streams") ? .streams : nil
  }

  static func code(ofLibraryError status: Int) -> H2Code {
    switch Int32(truncatingIfNeeded: status) {
    case NGHTTP2_ERR_FLOODED.rawValue, NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue: .enhanceYourCalm
    case NGHTTP2_ERR_NOMEM.rawValue, NGHTTP2_ERR_CALLBACK_FAILURE.rawValue: .internalError
    default: .protocolError
    }
  }
}
