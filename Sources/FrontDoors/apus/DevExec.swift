import ArgumentParser
import DevKit
import Foundation

struct DevExec: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exec", abstract: "Run a command inside a pod.",
    discussion: """
      The command joins the pod's network, control group and files (/etc/hosts, /etc/resolv.conf), in \
      the pod's working directory; its exit code is passed on. TARGET is a pod, NAMESPACE/POD, a \
      Deployment (its first pod), a node (node-1), or `fabric`, which is the outside of the mesh.

        apus dev exec web -- curl -s http://order-service/
        apus dev exec -n legacy legacy-client -- sh
        apus dev exec node-1 -- ip route
      """)

  @OptionGroup var mesh: MeshOption
  @Option(name: .shortAndLong, help: "The namespace of the pod.")
  var namespace: String?
  @Argument(help: "The pod, Deployment or node, or `fabric`.")
  var target: String
  @Argument(parsing: .postTerminator, help: "The command and its arguments, after `--`.")
  var command: [String] = []

  func run() throws {
    try reporting {
      guard !command.isEmpty else {
        throw DevError.usage("Say the command after `--`: apus dev exec \(target) -- ls")
      }
      let reply = try checked(
        DevClient.ask(DevRequest(.find, target: target, namespace: namespace), of: mesh.mesh))
      guard let place = reply.place else {
        throw DevError.failed("The mesh does not say where \(target) is.")
      }
      try PodEntry(place).become(command, environment: place.environment + Self.terminal)
    }
  }

  /// So that editors and pagers know the user's terminal.
  private static var terminal: [String] {
    ProcessInfo.processInfo.environment["TERM"].map { ["TERM=\($0)"] } ?? []
  }
}
