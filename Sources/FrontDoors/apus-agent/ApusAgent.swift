import AgentKit
import ArgumentParser
import BPFRuntime
import H2Engine
import Reactor
import TLSEngine

/// The node agent: captures the connections of its node's pods and carries them over mutual TLS.
@main
struct ApusAgent: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "apus-agent",
    abstract: "Captures the connections of one node's enrolled pods and carries them over mutual TLS.",
    discussion: """
      One agent runs on each node. It learns which pods to serve from a CNI plugin (--zds), who they may \
      talk to and under which identity from the control plane (--control), and captures their connections in \
      the kernel with eBPF. What it sets up in the kernel outlives it: while no agent runs, enrolled pods \
      are refused their connections and nothing leaves them in plaintext.

      It needs root: CAP_NET_ADMIN, CAP_BPF and CAP_SYS_ADMIN. `apus-agent probe` says whether this kernel \
      has what it takes.

      Exit codes: 0 ended as asked, 1 failed, 2 wrong usage, 4 not root, 5 the kernel lacks something.
      """,
    version:
      "apus-agent \(version) (\(TLSVersions.openssl), \(H2Library.version), libbpf \(LibbpfVersion.text))",
    subcommands: [Run.self, Probe.self, Clean.self])

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var waiting = command as? any AsyncParsableCommand {
        try await waiting.run()
      } else {
        try command.run()
      }
    } catch {
      // The library would say 64.
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      StandardError.say(fullMessage(for: error))
      exit(withError: ExitCode(2))
    }
  }
}

/// Says what capture needs of the kernel, and whether it is there.
struct Probe: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Try every kernel feature that capture needs, by using it, and list the results.")

  func run() throws {
    var isComplete = true
    for feature in KernelProbe.features() {
      print(
        "\(feature.isAvailable ? "yes" : "NO ")  \(feature.name)\(feature.problem.map { ": \($0)" } ?? "")")
      if !feature.isAvailable { isComplete = false }
    }
    if !isComplete { throw ExitCode(5) }
  }
}
