internal import CLinux
import Glibc

/// A file that is on no disk (memfd) and is written once: what a process leaves for those that come after it,
/// in the keeping of the process that started it. Sealed once it is written, so that a half-written one is
/// known, and a whole one never changes.
public struct MemoryVault: ~Copyable, Sendable {
  private let file: Descriptor

  /// An empty one, to be passed on to children.
  public init(name: String) throws(SystemError) {
    let number = unsafe apus_sealable_memfd(name)
    guard number >= 0 else { throw SystemError("memfd_create") }
    file = Descriptor(adopting: number)
  }

  /// The one that was inherited under this number; closed when the value ends. Throws EINVAL when it is no
  /// file in memory: what is left there must be on no disk.
  public init(inherited number: Int32) throws(SystemError) {
    guard number > STDERR_FILENO, apus_seals(number) >= 0, try Self.isAnonymous(number) else {
      throw SystemError("memfd(\(number))", code: EINVAL)
    }
    guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else { throw SystemError("fcntl(F_SETFD)") }
    file = Descriptor(adopting: number)
  }

  public var descriptor: Int32 { file.number }

  /// What was left; nil when nothing was, or not all of it.
  public func content(limit: Int) throws(SystemError) -> [UInt8]? {
    guard apus_seals(file.number) == apus_all_seals() else { return nil }
    let content = try file.read(at: 0, upTo: limit + 1)
    guard content.count <= limit else { throw SystemError("read(memfd)", code: EFBIG) }
    return content
  }

  /// Leaves `content`, once and for all.
  public func leave(_ content: [UInt8]) throws(SystemError) {
    guard ftruncate(file.number, 0) == 0 else { throw SystemError("truncate(memfd)") }
    let count = unsafe content.withUnsafeBytes { unsafe pwrite(file.number, $0.baseAddress, $0.count, 0) }
    guard count == content.count else { throw SystemError("write(memfd)") }
    guard apus_seal(file.number) == 0 else { throw SystemError("fcntl(F_ADD_SEALS)") }
  }

  /// Files of a tmpfs can be sealed too, and have names; a file of memory alone has none.
  private static func isAnonymous(_ number: Int32) throws(SystemError) -> Bool {
    var status = stat()
    guard unsafe fstat(number, &status) == 0 else { throw SystemError("fstat(\(number))") }
    return status.st_nlink == 0
  }
}
