internal import CLinux
import Glibc

/// Tells that something in watched directories changed. What changed is for the owner to find out by looking:
/// events can be merged or lost by the kernel, so they are only a reason to look.
public final class Inotify: Sendable {
  private let handle: Descriptor

  public init() throws(SystemError) {
    let number = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
    guard number >= 0 else { throw SystemError("inotify_init1") }
    handle = Descriptor(adopting: number)
  }

  /// Watches a directory's entries (not those of its subdirectories): made, written, renamed, removed.
  public func watch(directory: String) throws(SystemError) {
    let mask =
      IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF
    guard unsafe inotify_add_watch(handle.number, directory, UInt32(mask)) >= 0 else {
      throw SystemError("inotify_add_watch(\(directory))")
    }
  }

  /// Waits for the next change and takes all events that are there.
  public func changed(on thread: ReactorThread) async throws(SystemError) {
    _ = try await thread.ready(handle.number, for: .readable)
    var buffer = [UInt8](repeating: 0, count: 16384)
    let number = handle.number
    while unsafe buffer.withUnsafeMutableBytes({ unsafe read(number, $0.baseAddress, $0.count) }) > 0 {}
  }
}
