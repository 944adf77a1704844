import ArgumentParser
import CNI
import FoundationEssentials
import Glibc
import Reactor

/// The CNI plugin: called by the container runtime for each pod, or by hand to be installed.
@main
struct ApusCNI: AsyncParsableCommand {
  static let version = "0.1.0"
  static let configuration = CommandConfiguration(
    commandName: "apus-cni",
    abstract: "Hands each new pod's network namespace to the node's agent before its containers start.",
    discussion: """
      A container runtime calls it as a chained CNI plugin (specification 0.3.0 to 1.1.0): the environment \
      and standard input say what to do. A pod starts only once the agent has captured it, or has heard \
      from the control plane that it is not to be; pods of the namespaces in excludeNamespaces (kube-system \
      and apus-system unless the configuration says others) start without that.

      By hand: apus-cni install, apus-cni uninstall.
      """,
    version: "apus-cni \(version)", subcommands: [Install.self, Uninstall.self])

  static func main() async {
    ProcessSetup.harden()
    let environment = ProcessInfo.processInfo.environment
    if environment["CNI_COMMAND"] != nil, CommandLine.arguments.count == 1 {
      let code = await Plugin.run(environment)
      Glibc.exit(code)
    }
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

  mutating func run() async throws { throw CleanExit.helpRequest(self) }
}
