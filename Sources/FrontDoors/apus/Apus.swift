import ArgumentParser

@main
struct Apus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apus",
    abstract: "An ambient service mesh: mutual TLS and policy without sidecars.",
    discussion: """
      Begin with `apus dev up DIR`: it runs a whole mesh on this machine from a directory of \
      Kubernetes manifests, with no cluster.
      """,
    version: Version.text,
    subcommands: [Dev.self, Check.self, ShowVersion.self, PodInit.self])
}
