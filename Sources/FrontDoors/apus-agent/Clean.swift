import ArgumentParser
import BPFRuntime
import Glibc
import Reactor

/// Takes what an agent left in the kernel off the node.
struct Clean: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let go of every pod of this node for good: remove what agents have pinned in the kernel.",
    discussion: """
      For a node that leaves the mesh. While an agent runs, stop it first: it would go on with objects that \
      nobody finds any more. Pods that were captured connect in plaintext from then on.
      """)

  @Option(help: "Where kernel objects are pinned, on a BPF file system.")
  var pins = "/sys/fs/bpf/apus"
  @Option(help: ArgumentHelp("The socket of the CNI plugin, to be removed too.", valueName: "path"))
  var cniSocket: String?
  @Flag(help: "Then stay until SIGTERM, as a container of a DaemonSet has to.")
  var stay = false

  func run() async throws {
    do throws(BPFError) { try Capture.removeAll(pins: pins) } catch {
      StandardError.say("apus-agent: \(error)")
      throw ExitCode(1)
    }
    if let cniSocket { unsafe unlink(cniSocket) }
    StandardError.say("apus-agent: nothing is left at \(pins)")
    guard stay else { return }
    let signals = try SignalWatch([SIGTERM, SIGINT])
    let thread = try ReactorThread(name: "clean")
    _ = try await signals.next(on: thread)
  }
}
