import Foundation
import Reactor

/// The files of one mesh in `/run/apus/<mesh>`, and the lock that says who runs it.
struct RunDirectory: ~Copyable, Sendable {
  let paths: MeshPaths
  private let lock: FileLock

  private init(paths: MeshPaths, lock: consuming FileLock) {
    self.paths = paths
    self.lock = lock
  }

  /// Makes the directory and takes the lock; nil when a living process has it.
  static func open(_ name: MeshName) throws -> RunDirectory? {
    let paths = MeshPaths(name)
    try FileManager.default.createDirectory(
      atPath: paths.root, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    guard let lock = try FileLock.take(paths.lock) else { return nil }
    return RunDirectory(paths: paths, lock: lock)
  }

  /// What an earlier or the present run has written; nil when there is none or it cannot be read.
  static func record(_ name: MeshName) -> MeshRecord? {
    guard let bytes = try? Files.read(MeshPaths(name).state, limit: 1 << 20) else { return nil }
    return try? JSONDecoder().decode(MeshRecord.self, from: Data(bytes))
  }

  static func write(_ record: MeshRecord, to paths: MeshPaths) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    try Files.write(Array(try encoder.encode(record)), to: paths.state, mode: 0o600)
  }

  /// The names of all meshes that have a run directory.
  static var meshes: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: MeshPaths.parent)) ?? []).sorted()
  }
}
