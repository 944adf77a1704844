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
  @Argument(parsing: .postTerminator) var command: [String]

  func run() throws {
    try reporting {
      let entry = PodEntry(
        network: network, cgroup: cgroup, hosts: hosts, resolver: resolver, hostname: hostname,
        directory: directory)
      try entry.becomeWithOwnEnvironment(command)
    }
  }
}
