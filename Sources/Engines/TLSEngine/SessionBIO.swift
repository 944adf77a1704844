import COpenSSL

/// The BIO through which OpenSSL reaches a session's bytes: it reads from the span that is being received,
/// and writes to the session's outgoing queue, which always accepts. So there is no memory BIO in between
/// and no retry of writes.
enum SessionBIO {
  /// Made once; OpenSSL only reads it from then on.
  nonisolated(unsafe) private static let method: OpaquePointer? = unsafe makeMethod()

  /// A BIO for a session, which outlives it. Nil when memory is short.
  static func make(for session: TLSSession) -> OpaquePointer? {
    guard let method = unsafe method, let bio = unsafe BIO_new(method) else { return nil }
    unsafe BIO_set_data(bio, Unmanaged.passUnretained(session).toOpaque())
    unsafe BIO_set_init(bio, 1)
    return unsafe bio
  }

  private static func makeMethod() -> OpaquePointer? {
    let type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
    guard let method = unsafe BIO_meth_new(type, "session") else { return nil }
    unsafe BIO_meth_set_read(method) { bio, buffer, count in
      unsafe SessionBIO.session(of: bio).read(bio, into: buffer, count)
    }
    unsafe BIO_meth_set_write(method) { bio, buffer, count in
      unsafe SessionBIO.session(of: bio).write(buffer, count)
    }
    unsafe BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
    return unsafe method
  }

  private static func session(of bio: OpaquePointer?) -> TLSSession {
    // Only BIOs of `make` have this method, and a session frees its own with itself.
    guard let data = unsafe BIO_get_data(bio) else { preconditionFailure("a BIO without its session") }
    return unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
  }
}
