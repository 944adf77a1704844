import Enrollment
import FoundationEssentials
import Glibc
import MeshModel
import Netlink
import Reactor

/// Finds the network namespace of a pod that runs already, by its processes.
enum PodSandbox {
  /// In bytes: a line for each hierarchy.
  private static let longestCgroup = 64 << 10

  /// What was found of each pod, by uid.
  struct Search: ~Copyable {
    let processes: String
    private var numbers: [Int32] = []

    /// `processes`: the host's `/proc`.
    init(_ processes: String) {
      self.processes = processes
      let names = (try? FileManager.default.contentsOfDirectory(atPath: processes)) ?? []
      numbers = names.compactMap { Int32($0) }.sorted()
    }

    /// The processes of each of the pods, in one pass.
    func processes(of uids: Set<String>) -> [String: [Int32]] {
      var found: [String: [Int32]] = [:]
      for number in numbers {
        guard let text = cgroup(number), text.contains("pod") else { continue }
        for uid in uids where PodCgroup.names(uid, in: text) { found[uid, default: []].append(number) }
      }
      return found
    }

    private func cgroup(_ number: Int32) -> String? {
      try? Files.text("\(processes)/\(number)/cgroup", limit: longestCgroup)
    }

    /// The namespace of one of the processes that has one of the addresses; nil when there is none.
    ///
    /// A process of the pod may have made a namespace of its own, so the address decides; and the process is
    /// looked at again once its namespace is held, for its number may be another's by then.
    func namespace(of pod: NodePod, among numbers: [Int32]) -> NetworkNamespace? {
      var seen: Set<UInt64> = []
      for number in numbers {
        guard let namespace = try? NetworkNamespace(path: "\(processes)/\(number)/ns/net"),
          let inode = try? namespace.inode(), seen.insert(inode).inserted,
          let text = cgroup(number), PodCgroup.names(pod.uid, in: text),
          let addresses = try? PodSandbox.addresses(in: namespace),
          addresses.contains(where: pod.addresses.contains)
        else { continue }
        return namespace
      }
      return nil
    }
  }

  private static func addresses(in namespace: borrowing NetworkNamespace) throws -> [IPAddress] {
    try namespace.insideAny {
      let netlink = try NetlinkSession()
      return try netlink.links().lazy.filter { $0.name != "lo" }.flatMap { try netlink.addresses(of: $0.name) }
    }
  }
}
