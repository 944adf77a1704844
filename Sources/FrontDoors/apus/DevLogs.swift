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
      """)

  @OptionGroup var mesh: MeshOption
  @Option(name: .shortAndLong, help: "The namespace of the pod.")
  var namespace: String?
  @Argument(help: "A pod or Deployment; `agent`; `control`; or `up`, the events of the mesh.")
  var target: String
  @Argument(help: "After `agent`: the node.")
  var node: String?

  func run() throws {
    try reporting {
      for path in try logs() {
        for part in ["\(path).1", path] {
          guard let handle = FileHandle(forReadingAtPath: part) else { continue }
          while let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty {
            try? FileHandle.standardOutput.write(contentsOf: chunk)
          }
        }
      }
    }
  }

  private func logs() throws -> [String] {
    let name = try mesh.mesh
    let paths = MeshPaths(name)
    switch target {
    case "control", "up":
      // Also of a mesh that was killed: that is when its logs are wanted.
      guard DevClient.process(of: name) != nil else {
        throw DevError.failed(
          "No mesh named \(name) is here, so it has no logs; `apus dev up DIR` starts one.")
      }
      return [target == "up" ? paths.upLog : paths.controlLog]
    case "agent":
      let reply = try checked(DevClient.ask(DevRequest(.list), of: name))
      let nodes = (reply.nodes ?? []).map(\.name)
      guard let node, let index = nodes.firstIndex(of: node) else {
        throw DevError.usage(
          "Say which agent: \(nodes.map { "apus dev logs agent \($0)" }.joined(separator: ", or ")).")
      }
      return [paths.agentLog(index + 1)]
    default:
      let reply = try checked(
        DevClient.ask(DevRequest(.find, target: target, namespace: namespace), of: name))
      return reply.place?.logs ?? []
    }
  }
}
