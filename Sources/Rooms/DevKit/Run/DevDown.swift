import Bytes
import Foundation
import Reactor

/// Ends a mesh from outside, whatever state it is in.
public enum DevDown {
  /// For a running mesh to end by itself.
  private static let patience = Interval.seconds(30)

  /// Returns whether there was anything to remove.
  public static func run(_ name: MeshName) async throws(DevError) -> Bool {
    let machine = try Machine.inspect()
    let teardown = Teardown(name, cgroups: machine.cgroups)
    guard teardown.hasTraces() || Files.size(MeshPaths(name).root) != nil else { return false }
    do {
      try await endProcess(name)
      try await clear(name, teardown)
    } catch {
      throw DevMesh.explained(error)
    }
    return true
  }

  private static func endProcess(_ name: MeshName) async throws {
    guard let record = RunDirectory.record(name) else { return }
    let process = ProcessIdentity(number: record.process, start: record.processStart)
    guard process.isAlive else { return }
    try? ProcessSetup.signal(15, to: process.number)
    let deadline = Clock.now() + patience
    while process.isAlive, Clock.now() < deadline { try await Task.sleep(for: .milliseconds(10)) }
    if process.isAlive { try? ProcessSetup.signal(9, to: process.number) }
    while process.isAlive { try await Task.sleep(for: .milliseconds(10)) }
  }

  private static func clear(_ name: MeshName, _ teardown: Teardown) async throws {
    // Under the lock, so that a mesh of this name that starts now is not torn down under its feet.
    guard let directory = try RunDirectory.open(name) else {
      throw DevError.refused("The mesh \(name) is just being started or removed by somebody else: try again.")
    }
    try await teardown.removeWorld()
    try teardown.removeFiles()
    _ = consume directory
  }
}
