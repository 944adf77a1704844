import Bytes
import DevKit
import Foundation
import Reactor

/// The process that runs a mesh: starts it, reports, waits for the signal to end, ends it.
enum UpCommand {
  static func check() throws(DevError) { try MachineCheck.run() }

  static func run(_ options: UpOptions, isDetached: Bool) throws {
    ProcessSetup.harden()
    // Before any other thread is started: threads inherit the set of blocked signals.
    let signals = try SignalWatch([SIGINT, SIGTERM, SIGHUP])
    let thread = try ReactorThread(name: "apus-dev")
    let flag = options.name.flag
    let journal = Journal(path: MeshPaths(options.name).upLog, isDetached: isDetached)
    try Blocking.run { () async throws(DevError) in
      let mesh = DevMesh(options, on: thread) { journal.note($0) }
      // A signal during the start ends it as well: what was made so far is removed.
      let ending = Task { try? await signals.next(on: thread) }
      guard try await started(mesh, unless: ending) else { return }
      let farewell = isDetached ? "`apus dev down\(flag)`" : "Ctrl-C"
      Task {
        await announce(
          mesh, journal,
          "\(farewell) ends the mesh; `apus dev exec\(flag) POD -- CMD` runs a command in a pod")
      }
      _ = await ending.value
      journal.note(DevEvent(.progress, "ending"))
      try await mesh.close()
      journal.note(DevEvent(.progress, "every trace is removed"))
    }
  }

  /// False when the user ended it before it had started.
  private static func started(_ mesh: DevMesh, unless ending: Task<Int32?, Never>) async throws(DevError)
    -> Bool
  {
    let starting = Task { () -> DevError? in
      do throws(DevError) {
        try await mesh.start()
        return nil
      } catch {
        return error
      }
    }
    let watching = Task { () -> Bool in
      _ = await ending.value
      starting.cancel()
      return true
    }
    guard let error = await starting.value else {
      return true
    }
    if starting.isCancelled { return false }
    watching.cancel()
    throw error
  }

  private static func announce(_ mesh: DevMesh, _ journal: Journal, _ hint: String) async {
    let reply = await mesh.awaitReadiness(atMost: .seconds(60))
    if let error = reply.error { journal.note(DevEvent(.warning, error)) }
    journal.show(DevText.listing(reply))
    journal.note(DevEvent(.progress, hint))
  }
}
