public import ArgumentParser
import Bytes
public import DevKit

extension AgentOperation: ExpressibleByArgument {}

struct DevAgent: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "agent", abstract: "Start, stop, kill or restart the agent of a node.",
    discussion: """
      An agent that is stopped or killed stays down until `start`; meanwhile the connections of its \
      pods are refused. An agent that dies otherwise is started again at once.

        apus dev agent node-1 kill
        apus dev agent node-1 start
      """)

  @OptionGroup var mesh: MeshOption
  @Argument(help: "node-1, node-2, ...")
  var node: String
  @Argument(help: "start, stop, kill (with SIGKILL) or restart.")
  var operation: AgentOperation

  func run() throws {
    try reporting {
      _ = try checked(DevClient.ask(DevRequest(.agent, target: node, operation: operation), of: mesh.mesh))
      Output.line("\(node): \(done)")
    }
  }

  private var done: String {
    switch operation {
    case .start, .restart: "the agent is ready"
    case .stop: "the agent is stopped"
    case .kill: "the agent is killed"
    }
  }
}
