public import ArgumentParser
import Bytes
public import DevKit

extension ControlOperation: ExpressibleByArgument {}

struct DevControl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "control", abstract: "Start, stop, kill, restart or reload the control plane.",
    discussion: """
      Without it everything that runs goes on: agents keep the mesh as they know it, and their certificates \
      until these end. A control plane that is stopped or killed stays down until `start`. `reload` has it \
      read its tokens and its certificate authority's files again.

        apus dev control stop
        apus dev control start
      """)

  @OptionGroup var mesh: MeshOption
  @Argument(help: "start, stop, kill (with SIGKILL), restart or reload.")
  var operation: ControlOperation

  func run() throws {
    try reporting {
      _ = try checked(DevClient.ask(DevRequest(.control, control: operation), of: mesh.mesh))
      Output.line("the control plane \(done)")
    }
  }

  private var done: String {
    switch operation {
    case .start, .restart: "serves"
    case .stop: "is stopped"
    case .kill: "is killed"
    case .reload: "is told to read its files again"
    }
  }
}
