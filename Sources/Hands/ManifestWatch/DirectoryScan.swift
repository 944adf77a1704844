import FoundationEssentials
import Manifests

/// What tells one content of a file from another without reading it.
struct FileStamp: Hashable, Sendable {
  var inode: UInt64
  var size: UInt64
  /// Seconds since 2001.
  var modified: Double
}

/// One file, or the manifests below one directory: `*.yaml`, `*.yml` and `*.json`, in subdirectories too.
/// Names that begin with a dot are left out, and a link counts only when it leads to a file below the
/// directory, as mounted ConfigMaps do.
struct DirectoryScan: Sendable {
  /// By path, as the directory was named.
  private(set) var files: [String: FileStamp] = [:]
  /// What is there and cannot be taken: with why. Ignoring it could ignore a policy.
  private(set) var failures: [ParsedManifest] = []

  private let root: String
  /// With every link resolved, and a slash at its end.
  private let realRoot: String
  /// Deeper than any tree that a person keeps.
  private static let depth = 16

  /// `entering` is told of each directory before it is listed, so that no later change is missed.
  init(_ root: String, entering: (String) -> Void = { _ in }) {
    self.root = root
    realRoot = Self.resolved(root) + "/"
    if let attributes = try? FileManager.default.attributesOfItem(atPath: Self.resolved(root)),
      attributes[.type] as? FileAttributeType == .typeRegular
    {
      // Named by a person, so it counts whatever its ending is.
      files[root] = FileStamp(attributes)
    } else {
      enter(root, depth: 0, entering)
    }
  }

  private mutating func enter(_ directory: String, depth: Int, _ entering: (String) -> Void) {
    entering(directory)
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: directory)
    } catch {
      // A subdirectory may go while it is looked for; the directory itself may not.
      if depth == 0 || FileManager.default.fileExists(atPath: directory) {
        fail(directory, "the directory cannot be listed")
      }
      return
    }
    for name in names.sorted() where !name.hasPrefix(".") {
      guard files.count < Limits.files else {
        fail(directory, "there are more than \(Limits.files) manifests")
        return
      }
      visit("\(directory)/\(name)", depth: depth, entering)
    }
  }

  private mutating func visit(_ path: String, depth: Int, _ entering: (String) -> Void) {
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return }
    switch attributes[.type] as? FileAttributeType {
    case .typeDirectory:
      guard depth < Self.depth else { return fail(path, "directories are nested deeper than \(Self.depth)") }
      enter(path, depth: depth + 1, entering)
    case .typeRegular where Self.isManifest(path):
      files[path] = FileStamp(attributes)
    case .typeSymbolicLink where Self.isManifest(path):
      let target = Self.resolved(path)
      guard target.hasPrefix(realRoot) else { return fail(path, "it is a link that leads out of \(root)") }
      guard let attributes = try? FileManager.default.attributesOfItem(atPath: target),
        attributes[.type] as? FileAttributeType == .typeRegular
      else { return fail(path, "it is a link that leads to no file") }
      files[path] = FileStamp(attributes)
    default: break
    }
  }

  private mutating func fail(_ path: String, _ reason: String) {
    failures.append(ParsedManifest(unreadable: path, because: reason))
  }

  private static func isManifest(_ path: String) -> Bool {
    [".yaml", ".yml", ".json"].contains { path.hasSuffix($0) }
  }

  private static func resolved(_ path: String) -> String {
    URL(filePath: path).resolvingSymlinksInPath().path
  }
}

extension FileStamp {
  /// Nil when no regular file is there; of a link, what it leads to.
  init?(path: String) {
    let target = URL(filePath: path).resolvingSymlinksInPath().path
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: target),
      attributes[.type] as? FileAttributeType == .typeRegular
    else { return nil }
    self.init(attributes)
  }

  fileprivate init(_ attributes: [FileAttributeKey: Any]) {
    inode = (attributes[.systemFileNumber] as? any BinaryInteger).map { UInt64(truncatingIfNeeded: $0) } ?? 0
    size = (attributes[.size] as? any BinaryInteger).map { UInt64(truncatingIfNeeded: $0) } ?? 0
    modified = (attributes[.modificationDate] as? Date)?.timeIntervalSinceReferenceDate ?? 0
  }
}
