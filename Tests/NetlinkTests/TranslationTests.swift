import Bytes
import Glibc
import MeshModel
import Netlink
import Reactor
import Testing

private let isRoot = geteuid() == 0

@Suite("Translation of service addresses", .serialized, .enabled(if: isRoot, "network namespaces need root"))
struct TranslationTests {
  private static let near = ["10.1.0.1", "fd00:1::1"].compactMap { IPAddress($0) }
  private static let far = ["10.1.0.2", "fd00:1::2"].compactMap { IPAddress($0) }
  private static let virtual = ["10.96.0.1", "fd00:10:96::1"].compactMap { IPAddress($0) }

  /// A client's namespace whose only way out is a server's namespace.
  private func connected(
    _ body: (_ client: borrowing NetworkNamespace, _ server: borrowing NetworkNamespace) throws -> Void
  ) throws {
    let names = ["c", "s"].map { "apus-t-nat-\(getpid())-\($0)" }
    defer { for name in names { try? NetworkNamespace.delete(named: name) } }
    for name in names { try NetworkNamespace.create(named: name) }
    let client = try NetworkNamespace(path: "/run/netns/\(names[0])")
    let server = try NetworkNamespace(path: "/run/netns/\(names[1])")
    let there = try server.insideAny { try NetlinkSession() }
    let here = try client.insideAny { try NetlinkSession() }
    try here.addVethPair("eth0", peer: "eth0", inNamespace: server.descriptor)
    for (session, addresses) in [(here, Self.near), (there, Self.far)] {
      try session.setUp("eth0")
      for address in addresses {
        try session.addAddress(address, prefixLength: address.family == .v4 ? 24 : 64, to: "eth0")
      }
    }
    for address in Self.far { try here.addRoute(.byDefault(via: address)) }
    try body(client, server)
  }

  /// Connects and returns the port of the listener that got it; nil when it was refused.
  private func connect(
    to address: SocketAddress, from client: borrowing NetworkNamespace, listeners: [UInt16: ListenerBox]
  ) throws -> UInt16? {
    let socket = try client.inside { () throws(SystemError) -> Socket in
      let socket = try Socket(address.ip.family)
      _ = try socket.connect(to: address)
      return socket
    }
    let poller = try Poller()
    try poller.add(socket.descriptor, .writable, token: 0)
    var events = PollEvents()
    try poller.wait(into: &events, timeout: .seconds(5))
    guard events.count > 0, socket.connectError() == nil else { return nil }
    // The application sees the address that it asked for.
    #expect(try socket.peerAddress() == address)
    for (port, listener) in listeners where try listener.socket.accept() != nil { return port }
    return nil
  }

  private final class ListenerBox {
    let socket: Socket

    init(_ address: SocketAddress, in network: borrowing NetworkNamespace) throws {
      socket = try network.inside { () throws(SystemError) in try Socket.listener(on: address) }
    }
  }

  @Test(arguments: [0, 1])
  func connectionsAreSpreadOverTheEndpoints(_ family: Int) throws {
    try connected { client, server in
      var listeners: [UInt16: ListenerBox] = [:]
      for port: UInt16 in [7001, 7002, 7003] {
        listeners[port] = try ListenerBox(SocketAddress(Self.far[family], port), in: server)
      }
      let session = try client.insideAny { try TranslationSession() }
      let service = SocketAddress(Self.virtual[family], 80)
      let endpoints = listeners.keys.sorted().map { SocketAddress(Self.far[family], $0) }
      try session.replace(with: [
        ServiceTranslation(virtual: service, endpoints: endpoints),
        ServiceTranslation(virtual: SocketAddress(Self.virtual[family], 81), endpoints: [endpoints[0]]),
        ServiceTranslation(virtual: SocketAddress(Self.virtual[family], 82), endpoints: []),
      ])
      var counts: [UInt16: Int] = [:]
      for _ in 0..<150 {
        let port = try #require(try connect(to: service, from: client, listeners: listeners))
        counts[port, default: 0] += 1
      }
      // Fifty each on average; twenty or fewer has a chance of one in a hundred million.
      for port in listeners.keys { #expect(counts[port, default: 0] > 20, "\(counts)") }
      let other = SocketAddress(Self.virtual[family], 81)
      #expect(try connect(to: other, from: client, listeners: listeners) == 7001)
      // What is not a service is left alone.
      #expect(try connect(to: endpoints[1], from: client, listeners: listeners) == 7002)

      // Replaced in one step; removed as often as one likes.
      try session.replace(with: [ServiceTranslation(virtual: service, endpoints: [endpoints[2]])])
      for _ in 0..<10 { #expect(try connect(to: service, from: client, listeners: listeners) == 7003) }
      try session.replace(with: [])
      try session.replace(with: [])
    }
  }

  @Test func manyRulesFitInOneStep() throws {
    try connected { client, _ in
      let session = try client.insideAny { try TranslationSession() }
      let translations = (0..<1000).map { index in
        ServiceTranslation(
          virtual: SocketAddress(IPAddress(v4: 0x0a60_0000 + UInt32(index)), 80),
          endpoints: (1...5).map { SocketAddress(Self.far[0], UInt16(7000 + $0)) })
      }
      try session.replace(with: translations)
      try session.replace(with: [])
    }
  }
}
