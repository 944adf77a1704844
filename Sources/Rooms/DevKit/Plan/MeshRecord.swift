/// What `/run/apus/<mesh>/state.json` holds: all that `down` needs when the process that ran the mesh was
/// killed.
struct MeshRecord: Codable, Hashable, Sendable {
  var mesh: String
  /// The process of `up`, and when it started (clock ticks since boot), so that a recycled number is not
  /// mistaken for it.
  var process: Int32
  var processStart: UInt64
  /// Of the manifests.
  var directory: String
  var nodes: Int
  var hasMesh: Bool
  /// The mesh's subtree of the version 2 hierarchy.
  var cgroup: String
  /// Below it the agents pin their links and maps.
  var pins: String
}
