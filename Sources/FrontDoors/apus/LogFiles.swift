import DevKit

/// Where the parts of a mesh of `apus dev` write what they say.
enum LogFiles {
  /// A part and its files.
  struct Part {
    var name: String
    var paths: [String]
  }

  static func control(_ mesh: MeshName, up: Bool) throws(DevError) -> Part {
    // Also of a mesh that was killed: that is when its logs are wanted.
    guard DevClient.process(of: mesh) != nil else {
      throw .failed("No mesh named \(mesh) is here, so it has no logs; `apus dev up DIR` starts one.")
    }
    let paths = MeshPaths(mesh)
    return up ? Part(name: "up", paths: [paths.upLog]) : Part(name: "control", paths: [paths.controlLog])
  }

  /// Nil when there is no node of that name.
  static func agent(_ node: String, of mesh: MeshName) throws(DevError) -> Part? {
    try agents(of: mesh).first { $0.name == node }
  }

  static func agents(of mesh: MeshName) throws(DevError) -> [Part] {
    let reply = try DevClient.ask(DevRequest(.list), of: mesh)
    return (reply.nodes ?? []).enumerated().map { index, node in
      Part(name: node.name, paths: [MeshPaths(mesh).agentLog(index + 1)])
    }
  }

  static func pod(_ name: String, namespace: String?, of mesh: MeshName) throws(DevError) -> Part {
    let reply = try DevClient.ask(DevRequest(.find, target: name, namespace: namespace), of: mesh)
    if let error = reply.error { throw .failed(error) }
    return Part(name: name, paths: reply.place?.logs ?? [])
  }
}
