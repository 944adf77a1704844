import Glibc

/// An exclusive lock on a file (flock). It is held as long as this value lives, and gone with the process
/// however it ends.
public struct FileLock: ~Copyable, Sendable {
  private let file: Descriptor

  private init(_ file: consuming Descriptor) { self.file = file }

  /// Nil when another process holds it. The lock is on the file that `path` names now: one that was removed
  /// and made again meanwhile does not count.
  public static func take(_ path: String) throws(SystemError) -> FileLock? {
    while true {
      let file = try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
      guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
        guard errno == EWOULDBLOCK else { throw SystemError("flock(\(path))") }
        return nil
      }
      var held = stat()
      var named = stat()
      guard unsafe fstat(file.number, &held) == 0 else { throw SystemError("fstat(\(path))") }
      if unsafe stat(path, &named) == 0, held.st_ino == named.st_ino, held.st_dev == named.st_dev {
        return FileLock(file)
      }
    }
  }
}
