import CNghttp2

extension H2Session {
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

  /// Ends the session gracefully. A server says so with a first GOAWAY that still takes every stream under
  /// way, and names the last stream when the peer has answered a PING, so that none is lost (RFC 9113 section
  /// 6.8). A client opens no more streams. Open streams go on; `isFinished` follows the last one.
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

  func finishDrain() {
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
