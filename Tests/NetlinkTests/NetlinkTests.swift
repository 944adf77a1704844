import Glibc
import MeshModel
import Netlink
import Reactor
import Testing

private let isRoot = geteuid() == 0

@Suite("Netlink", .serialized, .enabled(if: isRoot, "network namespaces need root"))
struct NetlinkTests {
  /// Two empty namespaces for a test, gone afterwards.
  private func inNamespaces(
    _ body: (borrowing NetworkNamespace, borrowing NetworkNamespace) throws -> Void
  ) throws {
    let names = ["a", "b"].map { "apus-t-nl-\(getpid())-\($0)" }
    defer { for name in names { try? NetworkNamespace.delete(named: name) } }
    for name in names { try NetworkNamespace.create(named: name) }
    try body(
      try NetworkNamespace(path: "/run/netns/\(names[0])"),
      try NetworkNamespace(path: "/run/netns/\(names[1])"))
  }

  @Test("links: cable into another namespace, bridge, port, rename, delete")
  func links() throws {
    try inNamespaces { near, far in
      let session = try near.insideAny { try NetlinkSession() }
      let other = try far.insideAny { try NetlinkSession() }
      #expect(try session.links().map(\.name) == ["lo"])
      try session.addBridge("cni0")
      try session.addVethPair("v1", peer: "eth0", inNamespace: far.descriptor, mtu: 1400)
      try session.setMaster("v1", bridge: "cni0")
      for link in ["lo", "cni0", "v1"] { try session.setUp(link) }
      let bridge = try #require(try session.link(named: "cni0"))
      let port = try #require(try session.link(named: "v1"))
      #expect(bridge.kind == "bridge")
      #expect(port.kind == "veth")
      #expect(port.master == bridge.index)
      #expect(port.mtu == 1400)
      #expect(port.isUp)
      #expect(try other.link(named: "eth0")?.mtu == 1400)
      #expect(try other.link(named: "eth0")?.isUp == false)

      try session.setMaster("v1", bridge: nil)
      try session.setDown("v1")
      try session.rename("v1", to: "v2")
      #expect(try session.link(named: "v1") == nil)
      #expect(try session.link(named: "v2")?.master == nil)
      #expect(try session.deleteLink("v2"))
      #expect(try !session.deleteLink("v2"))
      #expect(try other.link(named: "eth0") == nil)
    }
  }

  @Test("errors name the operation and the reason")
  func errors() throws {
    try inNamespaces { near, _ in
      let session = try near.insideAny { try NetlinkSession() }
      try session.addBridge("cni0")
      let taken = #expect(throws: NetlinkError.self) { try session.addBridge("cni0") }
      #expect(taken?.description == "cannot add the bridge cni0: File exists")
      #expect(throws: NetlinkError(operation: "find link nope", code: ENODEV)) { try session.setUp("nope") }
      #expect(throws: NetlinkError.self) { try session.addBridge("a-name-longer-than-fifteen-bytes") }
    }
  }

  @Test("addresses, routes and rules, said twice as well as once", arguments: [IPAddress.Family.v4, .v6])
  func routing(_ family: IPAddress.Family) throws {
    try inNamespaces { near, far in
      let session = try near.insideAny { try NetlinkSession() }
      try session.addVethPair("eth0", peer: "eth0", inNamespace: far.descriptor)
      for link in ["lo", "eth0"] { try session.setUp(link) }
      try far.insideAny { try NetlinkSession().setUp("eth0") }
      let own = try #require(IPAddress(family == .v4 ? "10.9.0.1" : "fd00:9::1"))
      let gateway = try #require(IPAddress(family == .v4 ? "10.9.0.254" : "fd00:9::ff"))
      let net = try #require(IPPrefix(family == .v4 ? "10.77.0.0/16" : "fd00:77::/32"))
      let rule = PolicyRule(family: family, mark: 0x111, mask: 0xfff, table: 100, priority: 32_764)
      for _ in 0..<2 {
        try session.addAddress(own, prefixLength: family == .v4 ? 24 : 64, to: "eth0")
        try session.addRoute(.byDefault(via: gateway))
        try session.addRoute(Route(to: net, via: gateway, through: "eth0"))
        try session.addRoute(.everythingLocal(family, table: 100))
        try session.addRule(rule)
      }
      #expect(try session.addresses(of: "eth0").contains(own))
      #expect(try session.rules(family).filter { $0 == rule }.count == 1)

      #expect(try session.deleteRule(rule))
      #expect(try !session.deleteRule(rule))
      #expect(try session.deleteRoute(.everythingLocal(family, table: 100)))
      #expect(try session.deleteRoute(Route(to: net, via: gateway, through: "eth0")))
      #expect(try !session.deleteRoute(Route(to: net, via: gateway, through: "eth0")))
      #expect(try session.deleteAddress(own, prefixLength: family == .v4 ? 24 : 64, from: "eth0"))
      #expect(try !session.addresses(of: "eth0").contains(own))
      #expect(try !session.deleteAddress(own, prefixLength: family == .v4 ? 24 : 64, from: "eth0"))
    }
  }

  @Test("lists TCP sockets and ends the ones picked", arguments: [IPAddress.Family.v4, .v6])
  func sockets(_ family: IPAddress.Family) throws {
    try inNamespaces { near, _ in
      let session = try near.insideAny { try NetlinkSession() }
      try session.setUp("lo")
      let listener = try near.insideAny { try Socket.listener(on: SocketAddress(.loopback(family), 0)) }
      let address = try listener.localAddress()
      let first = try near.insideAny { try connected(to: address) }
      let second = try near.insideAny { try connected(to: address) }
      let seen = try session.tcpSockets()
      #expect(seen.filter { $0.state == .listen && $0.local == address }.count == 1)
      #expect(seen.filter { $0.state == .established && $0.remote == address }.count == 2)

      let meant = try first.localAddress()
      let ended = try session.destroyTCPSockets { $0.local == meant && $0.state == .established }
      #expect(ended == 1)
      let (firstError, secondError) = (first.connectError()?.code, second.connectError()?.code)
      #expect(firstError == ECONNABORTED)
      #expect(secondError == nil)
      let left = try session.tcpSockets().filter { $0.state == .established && $0.remote == address }
      #expect(left.count == 1)
    }
  }

  private func connected(to address: SocketAddress) throws -> Socket {
    let socket = try Socket(address.ip.family)
    if try !socket.connect(to: address) {
      var entry = pollfd(fd: socket.descriptor, events: Int16(POLLOUT), revents: 0)
      guard unsafe poll(&entry, 1, 5000) == 1 else { throw SystemError.timedOut }
    }
    if let error = socket.connectError() { throw error }
    return socket
  }
}
