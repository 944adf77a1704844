import ArgumentParser
import DevKit

/// What `apus dev` starts in place of a program, so that the program begins inside its pod.
struct PodInit: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pod-init", abstract: "Join a pod and become a program.", shouldDisplay: false)

  @Option var network: String
  @Option var cgroup: String
  @Option var directory: String
  @Option var hosts: String?
  @Option var resolver: String?
  @Option var hostname = ""
  @Option var user: UInt32?
  @Option var shown: String?
  @Argument(parsing: .postTerminator) var command: [String]

  func run() throws {
    try reporting {
      var entry = PodEntry(
        network: network, cgroup: cgroup, hosts: hosts, resolver: resolver, hostname: hostname,
        directory: directory)
      entry.user = user
      entry.shown = shown
      try entry.becomeWithOwnEnvironment(command)
    }
  }
}
