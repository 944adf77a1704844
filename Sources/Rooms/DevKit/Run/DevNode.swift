import Reactor

/// One simulated node. It belongs to the actor that runs the mesh.
final class DevNode {
  /// From 1.
  let number: Int
  var hosts = HostNumbers()
  /// Nil without a mesh.
  var enrollment: EnrollmentServer?
  var agent: Supervised?
  /// What its agent shows the control plane.
  var token: MemoryFile?

  init(number: Int) { self.number = number }

  var name: String { "node-\(number)" }
}

/// A process that is run again when it ends, unless it is held.
final class Supervised {
  let name: String
  var process: ChildProcess?
  /// Kept down until somebody asks for it.
  var isHeld = false
  var isReady = false
  /// How often it was started after the first time.
  var restarts = 0
  /// It ended because it was asked to, so that is no news.
  var isExpected = false

  init(_ name: String) { self.name = name }
}
