import Foundation
import Reactor

/// A file that a process writes to by itself, kept short: past the limit it is copied beside and emptied in
/// place, so that the writer, which appends, need not know.
struct LogFile: Hashable, Sendable {
  let path: String

  /// 8 MiB, so that a pod that cries for a day does not fill the disk; one older file is kept.
  static let limit = 8 << 20

  var older: String { "\(path).1" }

  /// Opened for appending; the child gets it as its standard output.
  func open() throws(SystemError) -> Descriptor { try Files.openForAppending(path) }

  func rotateIfLong() {
    guard let size = Files.size(path), size > Self.limit else { return }
    try? FileManager.default.removeItem(atPath: older)
    try? FileManager.default.copyItem(atPath: path, toPath: older)
    try? Files.empty(path)
  }
}

/// The mesh's own log of events.
public enum DevLog {
  /// Adds a line; a directory that is not there (yet, or any more) is no error.
  public static func append(_ line: String, to path: String) {
    guard let file = try? LogFile(path: path).open() else { return }
    _ = try? file.write(Array(line.utf8).span)
  }
}
