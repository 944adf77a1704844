import Foundation
import Reactor

/// How a process enters a pod: the child side of a container's start, and of `apus dev exec`.
public struct PodEntry: Sendable {
  public var network: String
  public var cgroup: String
  /// Shown at `/etc/hosts`; nil leaves the machine's.
  public var hosts: String?
  /// Shown at `/etc/resolv.conf`; nil leaves the machine's.
  public var resolver: String?
  /// Empty: the machine's, and its mounts; else the process gets both of its own.
  public var hostname: String
  public var directory: String
  /// The command runs as this user (and group of the same number), who may do nothing more and become nobody
  /// else; nil for root.
  public var user: UInt32?
  /// A directory shown at `/run/apus`; nil leaves the machine's.
  public var shown: String?

  public init(
    network: String, cgroup: String, hosts: String?, resolver: String?, hostname: String, directory: String
  ) {
    self.network = network
    self.cgroup = cgroup
    self.hosts = hosts
    self.resolver = resolver
    self.hostname = hostname
    self.directory = directory
  }

  public init(_ place: PodPlace) {
    self.init(
      network: place.network, cgroup: place.cgroup, hosts: place.hosts, resolver: place.resolver,
      hostname: place.hostname, directory: place.directory)
  }

  /// The flags of `apus pod-init` that say all this.
  var flags: [String] {
    var words = ["--network", network, "--cgroup", cgroup, "--directory", directory]
    if let hosts { words += ["--hosts", hosts] }
    if let resolver { words += ["--resolver", resolver] }
    if !hostname.isEmpty { words += ["--hostname", hostname] }
    if let user { words += ["--user", "\(user)"] }
    if let shown { words += ["--shown", shown] }
    return words
  }

  /// Joins the pod and becomes the command. Returns only by throwing: what failed, in a sentence.
  ///
  /// No shell reads the command: its words are the program's arguments as they are.
  public func become(_ command: [String], environment: [String]) throws(DevError) -> Never {
    guard let name = command.first else { throw .usage("There is no command to run.") }
    do throws(SystemError) {
      try Files.set("\(cgroup)/cgroup.procs", "0")
      try NetworkNamespace(path: network).enter()
      if !hostname.isEmpty { try separate() }
      try ProcessSetup.changeDirectory(directory)
    } catch {
      throw .failed("The pod cannot be joined: \(error).")
    }
    guard let program = Self.find(name, path: Self.path(in: environment)) else {
      throw .failed("\(name) was not found on this machine, or is not a program (the image is not used).")
    }
    do throws(SystemError) {
      try ProcessSetup.execute(program, as: user, arguments: command, environment: environment)
    } catch {
      throw .failed("\(name) cannot be run: \(error).")
    }
  }

  /// The same with the environment that this process has.
  public func becomeWithOwnEnvironment(_ command: [String]) throws(DevError) -> Never {
    try become(command, environment: ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" })
  }

  private func separate() throws(SystemError) {
    try ProcessSetup.unshareMountsAndHostname()
    try ProcessSetup.setHostname(String(hostname.prefix(63)))
    try releaseNamespaces()
    if let hosts { try ProcessSetup.bind(hosts, over: "/etc/hosts") }
    if let resolver { try ProcessSetup.bind(resolver, over: "/etc/resolv.conf") }
    if let shown { try ProcessSetup.bind(shown, over: MeshPaths.parent) }
  }

  /// The copied mount table would hold the network namespace of every pod that lives now, beyond that pod's
  /// end.
  private func releaseNamespaces() throws(SystemError) {
    let table = MountTable(
      try Files.text("/proc/thread-self/mountinfo"))
    for path in table.namespaces(below: "/run/netns") { try ProcessSetup.unmount(path) }
  }

  static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

  static func path(in environment: [String]) -> String {
    environment.last { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) } ?? defaultPath
  }

  /// The program of a name, as execvp(3) looks for it: a name with a slash is a path.
  static func find(_ name: String, path: String) -> String? {
    if name.contains("/") { return ProcessSetup.isExecutable(name) ? name : nil }
    let candidates = path.split(separator: ":").map { "\($0)/\(name)" }
    return candidates.first { ProcessSetup.isExecutable($0) }
  }
}
