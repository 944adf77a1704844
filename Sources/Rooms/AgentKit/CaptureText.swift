import BPFRuntime

/// What the page `/debug/capture` tells: what this kernel has, tried by using it, and who else is on the
/// hooks.
enum CaptureText {
  /// Tried once, when somebody asks for the first time: it takes some milliseconds.
  private static let features = KernelProbe.features()

  static func page(_ neighbours: [HookNeighbour], _ configuration: AgentConfiguration) -> String {
    MeshText.object([
      ("features", MeshText.object(features.map { ($0.name, "\($0.isAvailable)") })),
      (
        "problems",
        MeshText.object(features.compactMap { one in one.problem.map { (one.name, MeshText.text($0)) } })
      ), ("neighbours", MeshText.list(neighbours.map(neighbour))),
      ("controlGroup", configuration.controlGroup.map { MeshText.text($0) } ?? "null"),
      ("pins", MeshText.text(configuration.pins)),
      ("hostNamespace", configuration.hostNamespace.map { MeshText.text($0) } ?? "null"),
    ])
  }

  private static func neighbour(_ one: HookNeighbour) -> String {
    MeshText.object([
      ("hook", MeshText.text(one.hook)), ("controlGroup", MeshText.text(one.controlGroup)),
      ("program", MeshText.text(one.program)), ("runsFirst", "\(one.runsFirst)"),
      ("says", MeshText.text(one)),
    ])
  }
}
