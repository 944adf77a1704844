import BPFRuntime
import Glibc
import MeshModel
import Netlink
import Reactor

let isRoot = geteuid() == 0

/// Two network namespaces joined by a virtual cable, a control group with this process in it, and a pin
/// directory: `pod` is for capturing, `outside` is the rest of the world.
///
/// Call `close` when done, also after a failure.
final class Lab {
  static let podV4 = IPAddress(v4: 0x0a63_0001)
  static let podV6 = IPAddress(high: 0xfd00_0099_0000_0000, low: 1)
  static let outsideV4 = IPAddress(v4: 0x0a63_0002)
  static let outsideV6 = IPAddress(high: 0xfd00_0099_0000_0000, low: 2)

  let pod: NetworkNamespace
  let outside: NetworkNamespace
  let options: CaptureOptions
  private let names: [String]
  private let formerGroup: String

  init() throws {
    let name = "apus-t-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    names = ["\(name)-p", "\(name)-o"]
    let top = try ControlGroup.mountPoint()
    options = CaptureOptions(controlGroup: "\(top)/\(name)", pins: "/sys/fs/bpf/\(name)", podLimit: 64)
    formerGroup = top + (try Self.ownGroup())
    for name in names { try NetworkNamespace.create(named: name) }
    pod = try NetworkNamespace(path: "/run/netns/\(names[0])")
    outside = try NetworkNamespace(path: "/run/netns/\(names[1])")
    try Self.connect(pod, outside)
    try makeControlGroup()
  }

  /// Every step is tried; the first failure is thrown.
  func close() throws {
    let steps: [() throws -> Void] = [
      { try Self.join(self.formerGroup) },
      { try self.evict() },
      { try Capture.removeAll(pins: self.options.pins) },
      { try self.removeControlGroup() },
      { try NetworkNamespace.delete(named: self.names[0]) },
      { try NetworkNamespace.delete(named: self.names[1]) },
    ]
    var failure: (any Error)?
    for step in steps {
      do { try step() } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
  }

  /// The open listeners of an agent in the pod, and what to give to `enroll`.
  func listen(_ families: [IPAddress.Family] = [.v4, .v6]) throws -> AgentPlugs {
    try pod.insideAny {
      var plugs = AgentPlugs()
      for family in families {
        let ip = family == .v4 ? Self.podV4 : Self.podV6
        let inbound = try Plug.listener(on: SocketAddress(.loopback(family), MeshPort.inboundPlaintext))
        plugs.outbound[family] = try Plug.listener(on: SocketAddress(ip, MeshPort.outbound))
        plugs.hbone[family] = try Plug.listener(on: SocketAddress(ip, MeshPort.hbone))
        plugs.inbound[family] = inbound
        plugs.listeners.append(InboundListener(address: ip, descriptor: inbound.number))
      }
      return plugs
    }
  }

  func captured(_ families: [IPAddress.Family] = [.v4, .v6]) throws -> CapturedPod {
    CapturedPod(
      cookie: try pod.cookie(), v4: families.contains(.v4) ? Self.podV4 : nil,
      v6: families.contains(.v6) ? Self.podV6 : nil)
  }

  func enroll(
    in capture: Capture, with plugs: AgentPlugs, _ families: [IPAddress.Family] = [.v4, .v6]
  ) throws {
    try capture.enroll(try captured(families), namespace: pod.descriptor, listeners: plugs.listeners)
  }

  private static func connect(_ pod: borrowing NetworkNamespace, _ outside: borrowing NetworkNamespace) throws
  {
    let far = outside.descriptor
    try pod.insideAny {
      let session = try NetlinkSession()
      try session.addVethPair("eth0", peer: "eth0", inNamespace: far)
      try session.setUp("lo")
      try session.setUp("eth0")
      try session.addAddress(podV4, prefixLength: 24, to: "eth0")
      try session.addAddress(podV6, prefixLength: 64, to: "eth0")
    }
    try outside.insideAny {
      let session = try NetlinkSession()
      try session.setUp("lo")
      try session.setUp("eth0")
      try session.addAddress(outsideV4, prefixLength: 24, to: "eth0")
      try session.addAddress(outsideV6, prefixLength: 64, to: "eth0")
    }
  }

  /// Other tests of this process may have started children meanwhile; they were born into the group.
  private func evict() throws {
    for _ in 0..<100 {
      let members = try Files.text("\(options.controlGroup)/cgroup.procs").split(separator: "\n")
      if members.isEmpty { return }
      for member in members { try? Files.set("\(formerGroup)/cgroup.procs", String(member)) }
    }
  }

  private static func ownGroup() throws -> String {
    let lines = try Files.text("/proc/self/cgroup")
    let line = lines.split(separator: "\n").first { $0.hasPrefix("0::") }
    return String(line?.dropFirst(3) ?? "/")
  }

  /// Moves this process; sockets made from now on belong to the group.
  private static func join(_ group: String) throws {
    try Files.set("\(group)/cgroup.procs", "0")
  }
}

/// An agent's listeners in the pod, by family.
struct AgentPlugs {
  var outbound: [IPAddress.Family: Plug] = [:]
  var inbound: [IPAddress.Family: Plug] = [:]
  var hbone: [IPAddress.Family: Plug] = [:]
  var listeners: [InboundListener] = []
}

/// Runs a test in a fresh lab with a capture, and takes it down in any case.
func inLab(_ body: (Lab, Capture) throws -> Void) throws {
  let lab = try Lab()
  do {
    try body(lab, try Capture(lab.options))
  } catch {
    try? lab.close()
    throw error
  }
  try lab.close()
}

extension Lab {
  static let mark: UInt32 = 0x111

  /// Marked packets are delivered here whatever their destination, and accepted sockets inherit the mark.
  func routeMarked() throws {
    try pod.insideAny {
      let session = try NetlinkSession()
      for family in [IPAddress.Family.v4, .v6] {
        try session.addRule(
          PolicyRule(family: family, mark: Self.mark, mask: 0xfff, table: 100, priority: 32_764))
        try session.addRoute(.everythingLocal(family, table: 100))
      }
      try Files.set("/proc/sys/net/ipv4/tcp_fwmark_accept", "1")
    }
  }
}

extension Lab {
  /// What `body` makes belongs to no captured control group: no program of ours will have seen it connect.
  func unseen<Result>(_ body: () throws -> Result) throws -> Result {
    try Self.join(formerGroup)
    defer { try? Self.join(options.controlGroup) }
    return try body()
  }

  /// Removes the control group and makes one of the same name, as a cluster's end and another's start do.
  func remakeControlGroup() throws {
    try Self.join(formerGroup)
    try evict()
    try removeControlGroup()
    try makeControlGroup()
  }

  private func makeControlGroup() throws {
    if unsafe mkdir(options.controlGroup, 0o755) != 0 { throw SystemError("mkdir", code: errno) }
    try Self.join(options.controlGroup)
  }

  private func removeControlGroup() throws {
    if unsafe rmdir(options.controlGroup) != 0 { throw SystemError("rmdir", code: errno) }
  }
}
