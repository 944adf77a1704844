import ArgumentParser
import ControlKit
import H2Engine
import Reactor
import TLSEngine

/// The control plane: discovery and certificates for the nodes' agents.
@main
struct ApusControl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apus-control",
    abstract: "Publishes the mesh to the nodes' agents and certifies the identities of their pods.",
    discussion: """
      It reads Kubernetes manifests from directories, or the objects of a cluster, compiles them into a \
      mesh, and serves it over xDS \
      (delta ADS) and Istio's certificate service, on one TLS port. An edit takes effect when the directory \
      has been quiet for 100 ms. A directory with an error keeps its last good state, and the log says which \
      line is wrong and what to do.

      It needs no privileges. Exit codes: 0 ended as asked, 1 failed, 2 wrong usage.
      """,
    version: "apus-control \(ControlProcess.version) (\(TLSVersions.openssl), \(H2Library.version))",
    subcommands: [Serve.self])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      // The library would say 64.
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      StandardError.say(fullMessage(for: error))
      exit(withError: ExitCode(2))
    }
  }
}
