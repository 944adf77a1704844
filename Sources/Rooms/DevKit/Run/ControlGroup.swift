import Foundation
import Reactor

/// A control group of the version 2 hierarchy: by it processes are found, counted and ended, whoever started
/// them.
struct ControlGroup: Hashable, Sendable {
  let path: String

  init(_ path: String) { self.path = path }

  func child(_ name: String) -> ControlGroup { ControlGroup("\(path)/\(name)") }

  /// Makes it with its parents; nothing when it exists.
  func create() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  /// The processes of this group alone.
  var processes: [Int32] {
    let text = (try? Files.text("\(path)/cgroup.procs")) ?? ""
    return text.split(separator: "\n").compactMap { Int32($0) }
  }

  /// The processes of this group and of those below it.
  var allProcesses: [Int32] { processes + children.flatMap(\.allProcesses) }

  var children: [ControlGroup] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return entries.map(child).filter(\.exists)
  }

  /// A group is a directory with a process list; its control files are not.
  var exists: Bool { Files.size("\(path)/cgroup.procs") != nil }

  /// Whether any process lives in it or below; false for a group that does not exist.
  var isPopulated: Bool {
    let text = (try? Files.text("\(path)/cgroup.events")) ?? ""
    return text.split(separator: "\n").contains("populated 1")
  }

  /// Sends a signal to every process in it and below.
  func signal(_ number: Int32) {
    for process in allProcesses { try? ProcessSetup.signal(number, to: process) }
  }

  /// SIGKILL to every process in it and below, at once, those being forked included (`cgroup.kill`, Linux
  /// 5.14).
  func kill() {
    guard exists, isPopulated else { return }
    do {
      try Files.set("\(path)/cgroup.kill", "1")
    } catch {
      signal(9)
    }
  }

  /// Removes it and those below; they must be empty of processes. One that is gone is no error.
  func remove() throws {
    for group in children { try group.remove() }
    try Files.removeDirectory(path)
  }
}
