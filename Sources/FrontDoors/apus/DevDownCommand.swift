import ArgumentParser
import DevKit

struct DevDownCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "down", abstract: "End the mesh and remove every trace of it.",
    discussion: """
      Removes processes, network namespaces, control groups, eBPF pins and files, also when `up` was \
      killed. Doing it again does no harm.
      """)

  @OptionGroup var mesh: MeshOption

  func run() throws {
    try reporting {
      let name = try mesh.mesh
      let found = try Blocking.run { () throws(DevError) in try await DevDown.run(name) }
      Output.line(found ? "\(name): removed" : "\(name): there was nothing to remove")
    }
  }
}
