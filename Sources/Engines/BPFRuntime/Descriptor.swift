import Glibc

/// The one owner of a file descriptor.
struct Descriptor: ~Copyable, Sendable {
  let number: Int32

  init(adopting number: Int32) { self.number = number }

  /// A second descriptor of what `other` names, closed on exec.
  init(duplicating other: Int32, for operation: String) throws(BPFError) {
    number = fcntl(other, F_DUPFD_CLOEXEC, 3)
    guard number >= 0 else { throw BPFError.system(operation, errno) }
  }

  deinit { close(number) }
}
