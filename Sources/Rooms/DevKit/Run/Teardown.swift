import Foundation
import Reactor

/// Removes every trace of a mesh from the machine, whoever made it and however it ended. Doing it twice does
/// no harm.
///
/// Traces are found by their names, not by a list that a killed process could not finish: the control group
/// subtree (and by it the processes), network namespaces (and by them links and addresses), pins, files.
struct Teardown: Sendable {
  let mesh: MeshName
  let cgroup: ControlGroup
  let pins: String

  init(_ mesh: MeshName, cgroups: String) {
    self.mesh = mesh
    cgroup = ControlGroup("\(cgroups)/\(mesh.prefixed)")
    pins = "/sys/fs/bpf/\(mesh.prefixed)"
  }

  /// How long ended processes are waited for, in steps of ten milliseconds.
  private static let patience = 500

  /// Whether there is anything to remove, but for one file (the lock of whoever asks).
  func hasTraces(beside file: String = "") -> Bool {
    cgroup.exists || !namespaces.isEmpty || Files.size(pins) != nil || files.contains { $0 != file }
  }

  private var files: [String] {
    let root = MeshPaths(mesh).root
    return ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).map { "\(root)/\($0)" }
  }

  var namespaces: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
    return names.filter(mesh.owns).sorted()
  }

  /// Everything but the run directory.
  func removeWorld() async throws {
    cgroup.kill()
    for _ in 0..<Self.patience where cgroup.isPopulated { try await Task.sleep(for: .milliseconds(10)) }
    guard !cgroup.isPopulated else {
      throw DevError.failed(
        "Processes of \(mesh) do not end though they were killed: \(cgroup.allProcesses) in \(cgroup.path)."
      )
    }
    for name in namespaces { try NetworkNamespace.delete(named: name) }
    if cgroup.exists { try cgroup.remove() }
    try removePins(pins)
  }

  /// The run directory, and its parent when it was the last.
  func removeFiles() throws {
    let paths = MeshPaths(mesh)
    if Files.size(paths.root) != nil { try FileManager.default.removeItem(atPath: paths.root) }
    try? Files.removeDirectory(MeshPaths.parent)
  }

  /// All files but the lock, which the caller holds.
  func emptyRunDirectory() throws {
    for file in files where file != MeshPaths(mesh).lock { try FileManager.default.removeItem(atPath: file) }
  }

  private func removePins(_ path: String) throws {
    guard Files.size(path) != nil else { return }
    try FileManager.default.removeItem(atPath: path)
  }
}
