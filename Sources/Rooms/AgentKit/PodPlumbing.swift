import BPFRuntime
import Glibc
import MeshModel
import Netlink
import Proxying
import Reactor

/// What an agent sets up inside a pod's network namespace, and what it learns there.
///
/// Listeners for the three kinds of traffic, and the way home for onward connections that carry the client's
/// address: marked packets are looked up in a table where everything is local, and replies of marked
/// connections keep the mark.
struct PodPlumbing: Sendable {
  let addresses: [IPAddress]
  let cookie: UInt64
  let sockets: PodSockets
  let listeners: [InboundListener]

  private static let table: UInt32 = 100
  private static let priority: UInt32 = 32764
  private static let markMask: UInt32 = 0xfff

  /// Blocks for some milliseconds on the kernel; the thread is back in its own namespace afterwards.
  init(_ namespace: borrowing NetworkNamespace) throws {
    cookie = try namespace.cookie()
    let made = try namespace.insideAny { try Self.setUp() }
    addresses = made.addresses
    listeners = made.listeners
    sockets = PodSockets(namespace: try namespace.duplicate(), listening: made.listening)
  }

  private struct Made {
    var addresses: [IPAddress] = []
    var listening: [PodSockets.Listening] = []
    var listeners: [InboundListener] = []
  }

  private static func setUp() throws -> Made {
    let netlink = try NetlinkSession()
    var made = Made()
    made.addresses = try ownAddresses(netlink)
    guard !made.addresses.isEmpty else {
      throw AgentError(.failed, "the pod's network namespace has no address yet")
    }
    try? netlink.setUp("lo")
    try keepMarks(made.addresses.map(\.family))
    for address in made.addresses {
      try routeMarkedHome(address.family, netlink)
      made.listening.append(.init(.outbound, try .listener(on: SocketAddress(address, MeshPort.outbound))))
      made.listening.append(.init(.hbone, try .listener(on: SocketAddress(address, MeshPort.hbone))))
      let plaintext = try Socket.listener(
        on: SocketAddress(.loopback(address.family), MeshPort.inboundPlaintext))
      made.listeners.append(InboundListener(address: address, descriptor: plaintext.descriptor))
      made.listening.append(.init(.plaintext, plaintext))
    }
    return made
  }

  /// One address per family: the first that is neither loopback nor link-local.
  private static func ownAddresses(_ netlink: NetlinkSession) throws(NetlinkError) -> [IPAddress] {
    var found: [IPAddress] = []
    for link in try netlink.links() where link.name != "lo" {
      for address in try netlink.addresses(of: link.name) where !address.isLoopback && !address.isLinkLocal {
        if !found.contains(where: { $0.family == address.family }) { found.append(address) }
      }
    }
    return found
  }

  /// Accepted sockets inherit the mark of the packet that opened them, and resets for ports where nobody
  /// listens carry the mark of what they refuse (ip-sysctl: tcp_fwmark_accept, fwmark_reflect): both find the
  /// way home. Without the second, dialing a closed port would be a silence of seconds and not a refusal.
  private static func keepMarks(_ families: [IPAddress.Family]) throws(SystemError) {
    var names = ["ipv4/tcp_fwmark_accept", "ipv4/fwmark_reflect"]
    if families.contains(.v6) { names.append("ipv6/fwmark_reflect") }
    let one: [UInt8] = [UInt8(ascii: "1")]
    for name in names {
      let file = try Descriptor.open("/proc/sys/net/\(name)", O_WRONLY)
      _ = try file.write(one.span)
    }
  }

  private static func routeMarkedHome(_ family: IPAddress.Family, _ netlink: NetlinkSession)
    throws(NetlinkError)
  {
    try netlink.addRule(
      PolicyRule(family: family, mark: 0x111, mask: markMask, table: table, priority: priority))
    try netlink.addRoute(.everythingLocal(family, table: table))
  }
}
