public import Glibc

/// An open file descriptor with one owner; it is closed exactly once, when its owner lets it go.
public struct Descriptor: ~Copyable, Sendable {
  public let number: Int32

  /// Takes ownership of an open descriptor.
  public init(adopting number: Int32) {
    precondition(number >= 0)
    self.number = number
  }

  deinit { close(number) }

  /// Gives the number away unclosed.
  public consuming func release() -> Int32 {
    let number = self.number
    discard self
    return number
  }

  /// A second descriptor for the same open file.
  public borrowing func duplicate() throws(SystemError) -> Descriptor {
    let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw SystemError("fcntl(F_DUPFD_CLOEXEC)") }
    return Descriptor(adopting: copy)
  }

  /// Opens a path; close-on-exec is always set.
  public static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(SystemError)
    -> Descriptor
  {
    let number = unsafe path.withCString { unsafe Glibc.open($0, flags | O_CLOEXEC, mode) }
    guard number >= 0 else { throw SystemError("open(\(path))") }
    return Descriptor(adopting: number)
  }
}
