import ArgumentParser
import DevKit
import Foundation

struct DevLogs: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "Print what a pod, an agent or the control plane has said.",
    usage: """
      apus dev logs [-n NAMESPACE] POD
      apus dev logs agent NODE
      apus dev logs control
      apus dev logs up
      apus dev logs -f agent NODE
      """)

  @OptionGroup var mesh: MeshOption
  @Option(name: .shortAndLong, help: "The namespace of the pod.")
  var namespace: String?
  @Flag(name: .shortAndLong, help: "Go on with what is said from now on, until Ctrl-C.")
  var follow = false
  @Argument(help: "A pod or Deployment; `agent`; `control`; or `up`, the events of the mesh.")
  var target: String
  @Argument(help: "After `agent`: the node.")
  var node: String?

  func run() throws {
    try reporting {
      let paths = try logs()
      for path in paths where !follow {
        for part in ["\(path).1", path] {
          guard let handle = FileHandle(forReadingAtPath: part) else { continue }
          while let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty {
            try? FileHandle.standardOutput.write(contentsOf: chunk)
          }
        }
      }
      if follow { LogFollowing.run([LogFiles.Part(name: target, paths: paths)]) }
    }
  }

  private func logs() throws -> [String] {
    let name = try mesh.mesh
    switch target {
    case "control", "up": return try LogFiles.control(name, up: target == "up").paths
    case "agent":
      if let node, let part = try LogFiles.agent(node, of: name) { return part.paths }
      let nodes = try LogFiles.agents(of: name).map { "apus dev logs agent \($0.name)" }
      throw DevError.usage("Say which agent: \(nodes.joined(separator: ", or ")).")
    default: return try LogFiles.pod(target, namespace: namespace, of: name).paths
    }
  }
}
