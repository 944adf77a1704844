public import Glibc

/// Whole files, small ones: tokens, certificates, manifests.
public enum Files {
  /// Everything in the file, or throws EFBIG beyond `limit` bytes. Works on `/proc/self/fd/N` too, always
  /// from the start.
  public static func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
    let file = try Descriptor.open(path, O_RDONLY)
    var content: [UInt8] = []
    while true {
      let chunk = try file.read(at: content.count, upTo: min(65536, limit + 1 - content.count))
      if chunk.isEmpty { return content }
      content += chunk
      guard content.count <= limit else { throw SystemError("read(\(path))", code: EFBIG) }
    }
  }

  /// Replaces the file in one step (a temporary file beside it, then rename), so that a reader sees the old
  /// or the full content.
  public static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws(SystemError) {
    let temporary = "\(path).\(getpid()).partial"
    do throws(SystemError) {
      let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
      var written = 0
      while written < bytes.count { written += try file.write(bytes.span.extracting(written...)) }
    } catch {
      unsafe unlink(temporary)
      throw error
    }
    guard unsafe rename(temporary, path) == 0 else {
      let error = SystemError("rename(\(path))")
      unsafe unlink(temporary)
      throw error
    }
  }
}

extension Descriptor {
  /// Writes from the front of `bytes`; at least one byte of those given. May block when the descriptor does.
  public borrowing func write(_ bytes: Span<UInt8>) throws(SystemError) -> Int {
    while true {
      let number = self.number
      let count = unsafe bytes.withUnsafeBufferPointer {
        unsafe Glibc.write(number, $0.baseAddress, $0.count)
      }
      if count >= 0 { return count }
      guard errno == EINTR else { throw SystemError("write") }
    }
  }

  /// Up to `limit` bytes from `offset` on (or the next ones when the file cannot seek); empty at the end.
  borrowing func read(at offset: Int, upTo limit: Int) throws(SystemError) -> [UInt8] {
    let number = self.number
    var count = 0
    var code: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
      while true {
        count = unsafe pread(number, buffer.baseAddress, limit, off_t(offset))
        if count < 0, errno == ESPIPE { count = unsafe Glibc.read(number, buffer.baseAddress, limit) }
        if count >= 0 || errno != EINTR { break }
      }
      if count < 0 { code = errno }
      initialized = max(count, 0)
    }
    guard count >= 0 else { throw SystemError("read", code: code) }
    return bytes
  }

  /// A second descriptor for the standard error stream of the process.
  public static func standardError() throws(SystemError) -> Descriptor {
    let copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw SystemError("fcntl(F_DUPFD_CLOEXEC)") }
    return Descriptor(adopting: copy)
  }
}

/// What another program reads of us.
public enum StandardOutput {
  /// Writes all of it; a reader that has gone is nobody's reason to fail.
  public static func write(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}

/// Sentences for the person at the terminal.
public enum StandardError {
  /// Writes one line; a closed or full standard error is nobody's reason to fail.
  public static func say(_ line: String) {
    var rest = Array("\(line)\n".utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}
