/// The mounts of this process, read from the text of `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
struct MountTable: Hashable, Sendable {
  struct Entry: Hashable, Sendable {
    var path: String
    var kind: String
  }

  let entries: [Entry]

  /// Lines that are not of the expected form are skipped.
  init(_ text: String) {
    entries = text.split(separator: "\n").compactMap { line -> Entry? in
      let columns = line.split(separator: " ")
      guard columns.count > 6, let dash = columns.firstIndex(of: "-"), dash + 1 < columns.count else {
        return nil
      }
      return Entry(path: Self.unescaped(columns[4]), kind: String(columns[dash + 1]))
    }
  }

  /// Where the version 2 control group hierarchy is mounted; nil without one.
  var cgroup2: String? { entries.first { $0.kind == "cgroup2" }?.path }

  /// Namespaces that are held by a mount below `directory`.
  func namespaces(below directory: String) -> [String] {
    entries.filter { $0.kind == "nsfs" && $0.path.hasPrefix("\(directory)/") }.map(\.path)
  }

  func isMounted(_ kind: String, at path: String) -> Bool {
    entries.contains { $0.kind == kind && $0.path == path }
  }

  /// Blanks in a path are written as `\040`, a backslash as `\134`.
  private static func unescaped(_ text: Substring) -> String {
    guard text.contains("\\") else { return String(text) }
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.first {
      let digits = rest.dropFirst().prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(value)
        rest = rest.dropFirst(4)
      } else {
        bytes.append(byte)
        rest = rest.dropFirst()
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
