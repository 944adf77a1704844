public import Glibc

/// Operations on files of the kernel, and on files that others have open or mounted.
extension Files {
  /// Writes text over a file that others have mounted, keeping the file itself. A reader never finds a torn
  /// line: while the file is longer than the text, the rest is blank lines.
  public static func overwrite(_ path: String, with text: String, mode: UInt32 = 0o644) throws(SystemError) {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT, mode: mode)
    var status = stat()
    guard unsafe fstat(file.number, &status) == 0 else { throw SystemError("fstat(\(path))") }
    let bytes = Array(text.utf8)
    let padding = max(0, Int(status.st_size) - bytes.count)
    try writeAll(file, bytes + [UInt8](repeating: 0x0a, count: padding), at: 0)
    guard ftruncate(file.number, off_t(bytes.count)) == 0 else { throw SystemError("ftruncate(\(path))") }
  }

  /// Writes to a file of the kernel (`/proc`, `/sys`), which must exist.
  public static func set(_ path: String, _ value: String) throws(SystemError) {
    let file = try Descriptor.open(path, O_WRONLY)
    let bytes = Array(value.utf8)
    let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file.number, $0.baseAddress, $0.count) }
    guard count == bytes.count else { throw SystemError("write(\(path))") }
  }

  /// The text of a small file; more than `limit` bytes throw EFBIG.
  public static func text(_ path: String, limit: Int = 1 << 20) throws(SystemError) -> String {
    String(decoding: try read(path, limit: limit), as: UTF8.self)
  }

  /// Opens a file, made when missing, whose writes always go to its end.
  public static func openForAppending(_ path: String, mode: mode_t = 0o600) throws(SystemError) -> Descriptor
  {
    try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: mode)
  }

  /// `/dev/null`, to read from.
  public static func openNothing() throws(SystemError) -> Descriptor {
    try Descriptor.open("/dev/null", O_RDONLY)
  }

  /// The size of a file in bytes; nil when there is none.
  public static func size(_ path: String) -> Int? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return Int(status.st_size)
  }

  /// Who may do what with a file; nil when there is none.
  public static func mode(_ path: String) -> mode_t? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return status.st_mode & 0o7777
  }

  /// Empties a file in place: whoever has it open for appending goes on at its beginning.
  public static func empty(_ path: String) throws(SystemError) {
    guard unsafe truncate(path, 0) == 0 else { throw SystemError("truncate(\(path))") }
  }

  public static func removeDirectory(_ path: String) throws(SystemError) {
    guard unsafe rmdir(path) == 0 || errno == ENOENT else { throw SystemError("rmdir(\(path))") }
  }

  private static func writeAll(
    _ file: borrowing Descriptor, _ bytes: [UInt8], at start: Int
  ) throws(SystemError) {
    var offset = start
    while offset < bytes.count {
      let number = file.number
      let count = unsafe bytes[offset...].withUnsafeBytes {
        unsafe pwrite(number, $0.baseAddress, $0.count, off_t(offset))
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw SystemError("write") }
      offset += count
    }
  }
}
