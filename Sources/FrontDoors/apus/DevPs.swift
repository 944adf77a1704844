import ArgumentParser
import DevKit
import Foundation

struct DevPs: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ps", abstract: "List the pods, and what captures their traffic.",
    discussion: """
      CAPTURED BY names the agent that carries a pod's connections, or says why none does. Below come the \
      nodes: an agent that was stopped or killed by `apus dev agent` is `held` until it is started. The last \
      line is where a browser of this machine sees the service graph.
      """)

  @OptionGroup var mesh: MeshOption
  @Flag(help: "Print JSON: {\"pods\": [...], \"nodes\": [...]}.")
  var json = false

  func run() throws {
    try reporting {
      let reply = try checked(DevClient.ask(DevRequest(.list), of: mesh.mesh))
      if json {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        Output.line(String(decoding: try encoder.encode(reply), as: UTF8.self))
      } else {
        Output.text(DevText.listing(reply))
      }
    }
  }
}
