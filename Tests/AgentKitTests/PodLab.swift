@testable import BPFRuntime
import Enrollment
import Glibc
import Logging
import MeshModel
import Netlink
import Reactor
import TLSEngine

@testable import AgentKit

/// A pod's network namespace, a control group and a pin directory for an agent; nothing runs in them.
final class PodLab: Sendable {
  static let uid = "one"
  private static let address = IPAddress(v4: 0x0a63_0101)

  private let name = "apus-t-\(getpid())-\(UInt32.random(in: 0 ... .max))"
  private let pod: NetworkNamespace
  private let options: CaptureOptions
  private let thread: ReactorThread

  var controlGroup: String { options.controlGroup }

  init() throws {
    thread = try ReactorThread(name: "test")
    options = CaptureOptions(
      controlGroup: "\(try ControlGroup.mountPoint())/\(name)", pins: "/sys/fs/bpf/\(name)", podLimit: 16)
    try NetworkNamespace.create(named: name)
    try NetworkNamespace.create(named: "\(name)-o")
    pod = try NetworkNamespace(path: "/run/netns/\(name)")
    let far = try NetworkNamespace(path: "/run/netns/\(name)-o")
    try pod.insideAny {
      let session = try NetlinkSession()
      try session.addVethPair("eth0", peer: "eth0", inNamespace: far.descriptor)
      try session.setUp("lo")
      try session.setUp("eth0")
      try session.addAddress(Self.address, prefixLength: 24, to: "eth0")
    }
    guard unsafe mkdir(options.controlGroup, 0o755) == 0 else { throw SystemError("mkdir", code: errno) }
  }

  func close() {
    try? Capture.removeAll(pins: options.pins)
    unsafe rmdir(options.controlGroup)
    for name in [name, "\(name)-o"] { try? NetworkNamespace.delete(named: name) }
  }

  /// Captures the pod as an agent does that dies afterwards; the result holds the agent's outbound port.
  func enrollWithFormerAgent() throws -> Socket {
    let capture = try Capture(options)
    let outbound = try pod.insideAny {
      try Socket.listener(on: SocketAddress(Self.address, MeshPort.outbound))
    }
    let inbound = try pod.insideAny {
      try Socket.listener(on: SocketAddress(.loopback(.v4), MeshPort.inboundPlaintext))
    }
    try capture.enroll(
      CapturedPod(cookie: try pod.cookie(), v4: Self.address, v6: nil), namespace: pod.descriptor,
      listeners: [InboundListener(address: Self.address, descriptor: inbound.descriptor)])
    return outbound
  }

  func makeAgent() throws -> Agent {
    let nowhere = SocketAddress(.loopback(.v4), 1)
    return try Agent(
      AgentConfiguration(
        node: "node", zds: "/nonexistent", control: .address(nowhere), controlName: "control",
        controlRoot: "/nonexistent",
        token: "/nonexistent", controlGroup: options.controlGroup, pins: options.pins, workers: 1,
        trustDomain: .clusterLocal, clusterDomain: "cluster.local", readiness: nowhere, metrics: nowhere,
        admin: nowhere, drainSeconds: 0),
      on: thread, identities: NoIdentities(), log: Logger(label: "test"))
  }

  func add(to agent: Agent) async throws {
    try await agent.add(
      PodEnrollment(
        uid: Self.uid, namespaceInode: try pod.inode(), name: "one", namespace: "a", serviceAccount: "default"
      ),
      pod)
  }

  /// Moves this process below the capture, as an agent is, for as long as `body` runs.
  func below(_ body: () async throws -> Void) async throws {
    let line = try Files.text("/proc/self/cgroup").split(separator: "\n").first { $0.hasPrefix("0::") }
    let former = try ControlGroup.mountPoint() + (line?.dropFirst(3) ?? "/")
    try Files.set("\(options.controlGroup)/cgroup.procs", "0")
    do { try await body() } catch {
      try? Files.set("\(former)/cgroup.procs", "0")
      throw error
    }
    try Files.set("\(former)/cgroup.procs", "0")
  }

  /// Takes away what an agent pinned in the kernel, as a careless tool would: `link-connect4`, say.
  func detach(_ pin: String) throws {
    try KernelLink(pinnedAt: "\(options.pins)/\(pin)")?.remove()
  }

  /// The pin of the pod's own link.
  func podLink() throws -> String { "namespaces/\(String(try pod.cookie(), radix: 16))" }

  func isCaptured() throws -> Bool {
    let cookie = try pod.cookie()
    return try Capture(options).enrolled().contains { $0.cookie == cookie }
  }

  private struct NoIdentities: IdentitySource {
    func hold(_ identity: Identity) {}
    func release(_ identity: Identity) {}
  }
}
