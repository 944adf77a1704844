import COpenSSL

/// Bytes to and from OpenSSL's readers and writers.
enum MemoryBIO {
  /// Calls `body` with a BIO that reads `bytes` without copying them.
  static func reading<Result>(_ bytes: Span<UInt8>, _ body: (OpaquePointer?) -> Result) -> Result {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      let bio = unsafe BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count))
      defer { unsafe BIO_free(bio) }
      return unsafe body(bio)
    }
  }

  /// What `body` writes into a BIO, as text; it answers 1 when it succeeded.
  static func writing(_ body: (OpaquePointer?) -> Int32) throws(CredentialError) -> String {
    ErrorQueue.clear()
    let bio = unsafe BIO_new(BIO_s_mem())
    defer { unsafe BIO_free(bio) }
    guard unsafe body(bio) == 1 else { throw .engine(ErrorQueue.drainText()) }
    var start: UnsafeMutablePointer<CChar>?
    let count = unsafe apus_BIO_memory(bio, &start)
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count)
    return unsafe String(decoding: bytes, as: UTF8.self)
  }
}
