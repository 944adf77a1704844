import ArgumentParser
import Bytes
import DevKit

struct DevWait: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait", abstract: "Wait until all pods and agents are ready.",
    discussion: """
      Exits with 0 when they are, and with 1 and the names of what is not when the time is over.
      """)

  @OptionGroup var mesh: MeshOption
  @Option(help: "Seconds to wait at most.")
  var timeout = 60

  func run() throws {
    try reporting {
      let reply = try DevClient.ask(
        DevRequest(.wait, timeout: timeout), of: mesh.mesh, timeout: .seconds(max(0, timeout) + 5))
      _ = try checked(reply)
    }
  }
}
