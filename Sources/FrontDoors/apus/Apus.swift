import ArgumentParser

@main
struct Apus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apus",
    abstract: "An ambient service mesh: mutual TLS and policy without sidecars.",
    discussion: """
      Begin with `apus dev up DIR`: it runs a whole mesh on this machine from a directory of \
      Kubernetes manifests, with no cluster.

      Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (a name in use, a manifest with errors), 4 not \
      root, 5 this machine lacks something.
      """,
    version: Version.text,
    subcommands: [ShowVersion.self, PodInit.self],
    groupedSubcommands: [
      CommandGroup(name: "Running a mesh", subcommands: [Dev.self]),
      CommandGroup(name: "Before it is deployed", subcommands: [Check.self, Explain.self]),
      CommandGroup(
        name: "What is going on",
        subcommands: [
          Status.self, Top.self, ListWorkloads.self, ListServices.self, ListPolicies.self,
          ListCertificates.self,
          ListConnections.self, Waypoint.self, LogCommand.self,
        ]),
    ])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      // The library would say 64.
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      Output.error(fullMessage(for: error))
      exit(withError: ExitCode(2))
    }
  }
}
