internal import CLinux
import Glibc

/// A file that is on no disk (memfd): how a secret is given to a child process, which reads
/// `/proc/self/fd/N`.
public struct MemoryFile: ~Copyable, Sendable {
  private let file: Descriptor

  /// A reader that inherits the descriptor begins at the start, as one that opens `/proc/self/fd/N` does.
  public init(name: String, content: [UInt8]) throws(SystemError) {
    file = try Self.written(name, content)
  }

  public var descriptor: Int32 { file.number }

  /// Other content from now on; a reader that opens the file again finds all of it or all of the former.
  public func replace(with content: [UInt8]) throws(SystemError) {
    // Longer first, so that a reader between the two calls never sees the new content cut.
    let count = unsafe content.withUnsafeBytes { unsafe pwrite(file.number, $0.baseAddress, $0.count, 0) }
    guard count == content.count, ftruncate(file.number, off_t(count)) == 0 else {
      throw SystemError("write(memfd)")
    }
  }

  private static func written(_ name: String, _ content: [UInt8]) throws(SystemError) -> Descriptor {
    let number = unsafe apus_memfd(name, 1)
    guard number >= 0 else { throw SystemError("memfd_create") }
    let file = Descriptor(adopting: number)
    let count = unsafe content.withUnsafeBytes { unsafe pwrite(file.number, $0.baseAddress, $0.count, 0) }
    guard count == content.count else { throw SystemError("write(memfd)") }
    return file
  }
}
