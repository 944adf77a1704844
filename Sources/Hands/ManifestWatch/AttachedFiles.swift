import FoundationEssentials
import Manifests
import Reactor

/// The files that the manifests of one directory name, read again when they have changed. A link counts only
/// when it leads to a file below the directory, as for manifests.
struct AttachedFiles: Sendable {
  private var files: [String: (stamp: FileStamp?, content: AttachedFile)] = [:]

  var contents: [String: AttachedFile] { files.mapValues(\.content) }

  /// `root`: a directory, or a manifest that was named itself.
  mutating func refresh(_ wanted: Set<String>, below root: String) {
    files = files.filter { wanted.contains($0.key) }
    for path in wanted {
      let stamp = FileStamp(path: path)
      if let known = files[path], known.stamp == stamp, stamp != nil { continue }
      files[path] = (stamp, Self.read(path, below: root))
    }
  }

  /// Those that are there now, without reading them.
  var stamps: [String: FileStamp] { files.keys.reduce(into: [:]) { $0[$1] = FileStamp(path: $1) } }

  private static func read(_ path: String, below root: String) -> AttachedFile {
    let real = URL(filePath: root).resolvingSymlinksInPath()
    var isDirectory = false
    if let type = try? FileManager.default.attributesOfItem(atPath: real.path)[.type] as? FileAttributeType {
      isDirectory = type == .typeDirectory
    }
    let home = isDirectory ? real.path : real.deletingLastPathComponent().path
    let target = URL(filePath: path).resolvingSymlinksInPath().path
    guard target.hasPrefix(home + "/") else { return .unreadable("it is a link that leads out of \(home)") }
    do throws(SystemError) {
      let bytes = try Files.read(target, limit: AttachedFile.limit)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        return .unreadable("it is not UTF-8 text")
      }
      return .text(text)
    } catch {
      return .unreadable("\(error)")
    }
  }
}
