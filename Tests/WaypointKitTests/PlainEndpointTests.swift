import Bytes
import Fetching
import HTTPModel
import MeshIndex
import MeshModel
import Proxying
import Reactor
import RequestProxying
import Synchronization
import Testing

@testable import WaypointKit

/// Endpoints that take no tunnels: plain TCP from the waypoint's own address.
@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct PlainEndpointTests {
  private static let answer = Array("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nplain\n".utf8)

  private static func answerOnce(_ socket: AsyncSocket) async throws {
    _ = try await socket.receive()
    try await socket.send(answer)
    _ = try await socket.drain()
  }

  private func raw(_ pods: ThreePods) {
    pods.configure(
      WaypointConfiguration(
        waypoint: ThreePods.waypoint,
        services: [
          ServiceTraffic(service: ThreePods.service, protocols: [PortProtocol(port: 80, speaks: .tcp)])
        ]))
  }

  private func connect(_ pods: ThreePods) async throws -> AsyncSocket {
    try await .connect(to: SocketAddress(pods.clientAddress, MeshPort.outbound), on: pods.thread)
  }

  @Test(
    "a request goes to it in plain TCP from the waypoint's address, and the record says so",
    .timeLimit(.minutes(1)))
  func request() async throws {
    let pods = try await ThreePods()
    let server = try PlainServer(on: pods.serverAddress, thread: pods.thread, Self.answerOnce)
    pods.publish(server: .none, port: server.address.port)
    let response = try await pods.get("/hello")
    #expect(response.status == 200 && String(decoding: response.body, as: UTF8.self) == "plain\n")
    // Once more while it was not known yet what the client speaks.
    #expect(Set(server.connected.map(\.ip)) == [pods.waypointAddress])
    let record = try await pods.record()
    #expect(record.destinationSecurity == [] && record.destinationAddress == server.address)
    #expect(record.source.party.identity?.serviceAccount == "client")
  }

  @Test("policy is asked at the waypoint before it is dialed", .timeLimit(.minutes(1)))
  func policy() async throws {
    let pods = try await ThreePods()
    let server = try PlainServer(on: pods.serverAddress, thread: pods.thread, Self.answerOnce)
    var match = Authorization.Match()
    match.principals = [.exact("cluster.local/ns/a/sa/client")]
    let deny = Authorization(
      name: "no-clients", namespace: "b", scope: .namespace, action: .deny,
      rules: [.init(clauses: [.init(matches: [match])])])
    pods.publish(policies: [deny], server: .none, port: server.address.port)
    let response = try await pods.get("/hello")
    #expect(response.status == 403 && response.fields.first("x-apus-reason") == "policy:b/no-clients")
    #expect(server.connected.isEmpty)
  }

  @Test("a port where nobody listens is a failed connection, and is tried again", .timeLimit(.minutes(1)))
  func refused() async throws {
    let pods = try await ThreePods()
    let server = try PlainServer(on: pods.serverAddress, thread: pods.thread, Self.answerOnce)
    let port = server.address.port
    server.close()
    let retry = RetryRule(attempts: 2, conditions: [.connectFailure])
    pods.configure(
      WaypointConfiguration(
        waypoint: ThreePods.waypoint,
        services: [
          ServiceTraffic(
            service: ThreePods.service,
            rules: [
              RouteRule(
                origin: "VirtualService b/server http[0]",
                action: .forward(Forward(backends: [Backend(service: ThreePods.service)])), retry: retry)
            ])
        ]))
    pods.publish(server: .none, port: port)
    #expect(try await pods.get("/hello").status == 503)
    let record = try await pods.record()
    #expect(record.details.contains("Connection refused"), "\(record.details)")
    #expect(record.attempts == 3 && record.flags.contains(.upstreamConnectionFailure))
  }

  @Test("one that takes tunnels now is not dialed, though it was picked before", .timeLimit(.minutes(1)))
  func enrolledSince() async throws {
    let pods = try await ThreePods()
    let server = try PlainServer(on: pods.serverAddress, thread: pods.thread, Self.answerOnce)
    pods.publish(server: .hbone, port: server.address.port)
    let workload = Workload(
      uid: "Kubernetes//Pod/b/server", name: "server", namespace: "b",
      identity: try Identity(trustDomain: .clusterLocal, namespace: "b", serviceAccount: "server"),
      addresses: [pods.serverAddress], tunnelProtocol: .none)
    let stale = MeshIndex.Endpoint(
      workload: workload, address: server.address, identities: [workload.identity], tunnel: .none)
    let told = Probe()
    pods.proxy.perform { service in
      guard let service = service as? WaypointService else { return }
      let origin = Origin(identity: nil, address: SocketAddress(IPAddress(v4: 0), 0), namespace: nil)
      _ = service.dial(stale, for: origin, owner: told)
    }
    for _ in 0..<2000 where told.failure == nil { try await pods.thread.sleep(for: .milliseconds(5)) }
    #expect(told.failure?.contains("takes tunnels") == true && !told.isOpened)
    #expect(server.connected.isEmpty)
    // And a request reaches it, in a tunnel: its application sees the client.
    #expect(try await pods.get("/hello").status == 200)
    // On a port that declares nothing it is dialed at once: it might speak first.
    #expect(Set(server.connected.map(\.ip)) == [pods.clientAddress])
  }

  // MARK: What is not HTTP

  @Test("each side ends by itself, and nothing is lost", .timeLimit(.minutes(1)))
  func halfClose() async throws {
    let pods = try await ThreePods()
    raw(pods)
    let server = try PlainServer(on: pods.serverAddress, thread: pods.thread) { socket in
      let all = try await socket.drain()
      try await socket.send(all.reversed())
      socket.shutdownWrite()
    }
    pods.publish(server: .none, port: server.address.port)
    let client = try await connect(pods)
    try await client.send(Array("abc".utf8))
    client.shutdownWrite()
    #expect(try await client.drain() == Array("cba".utf8))
    for _ in 0..<2000 {
      guard let record = pods.connections.drain().records.first(where: { $0.direction == .waypoint }) else {
        try await pods.thread.sleep(for: .milliseconds(5))
        continue
      }
      #expect(!record.isMutualTLS && record.tunnelAddress == nil)
      if case .complete = record.outcome {} else { Issue.record("\(record.outcome)") }
      #expect(record.bytesSent == 3 && record.bytesReceived == 3)
      return
    }
    Issue.record("no record")
  }

  @Test("a reset stays a reset, from either side", .timeLimit(.minutes(1)), arguments: [false, true])
  func reset(byServer: Bool) async throws {
    let pods = try await ThreePods()
    raw(pods)
    let seen = Mutex<String?>(nil)
    let server = try PlainServer(on: pods.serverAddress, thread: pods.thread) { socket in
      _ = try await socket.receive()
      try await socket.send([1])
      if byServer { return socket.abort() }
      do { _ = try await socket.drain() } catch let error as SystemError {
        seen.withLock { $0 = error.isReset ? "reset" : "\(error)" }
        return
      }
      seen.withLock { $0 = "ended" }
    }
    pods.publish(server: .none, port: server.address.port)
    let client = try await connect(pods)
    try await client.send([1])
    guard byServer else {
      #expect(try await client.receive() == [1])
      client.abort()
      for _ in 0..<2000 where seen.withLock({ $0 == nil }) {
        try await pods.thread.sleep(for: .milliseconds(5))
      }
      #expect(seen.withLock { $0 } == "reset")
      return
    }
    do {
      let rest = try await client.drain()
      Issue.record("the client saw an end after \(rest)")
    } catch let error as SystemError {
      #expect(error.isReset)
    }
  }

  @Test(
    "who does not read holds up who sends, and all arrives", .timeLimit(.minutes(2)),
    arguments: [false, true])
  func pressure(towardsServer: Bool) async throws {
    let pods = try await ThreePods()
    raw(pods)
    let total = 24 << 20
    let mayRead = Mutex(false)
    let sent = Mutex(0)
    let server = try PlainServer(on: pods.serverAddress, thread: pods.thread) { socket in
      if towardsServer {
        while !mayRead.withLock({ $0 }) { try await socket.waitABit() }
        let count = try await socket.drain().count
        try await socket.send(Array("\(count)".utf8))
      } else {
        _ = try await socket.receive()
        for _ in 0..<total >> 20 {
          try await socket.send([UInt8](repeating: 7, count: 1 << 20))
          sent.withLock { $0 += 1 << 20 }
        }
      }
      socket.shutdownWrite()
    }
    pods.publish(server: .none, port: server.address.port)
    let client = try await connect(pods)
    let sending = Task(executorPreference: pods.thread) {
      guard towardsServer else { return try await client.send([1]) }
      for _ in 0..<total >> 20 {
        try await client.send([UInt8](repeating: 7, count: 1 << 20))
        sent.withLock { $0 += 1 << 20 }
      }
      client.shutdownWrite()
    }
    // Until nothing moves any more.
    var (still, last) = (0, -1)
    while still < 40 {
      let backlog = await pods.proxy.report().backlogBytes
      #expect(backlog <= 1 << 20)
      let now = sent.withLock { $0 } + backlog
      (still, last) = now == last ? (still + 1, last) : (0, now)
      try await pods.thread.sleep(for: .milliseconds(5))
    }
    #expect(sent.withLock { $0 } < total)
    mayRead.withLock { $0 = true }
    let came = try await client.drain()
    try await sending.value
    #expect(towardsServer ? came == Array("\(total)".utf8) : came.count == total)
  }
}

/// Whoever dials, and what it is told.
private final class Probe: PipeOwner, Sendable {
  private let state = Mutex<(isOpened: Bool, failure: String?)>((false, nil))
  var isOpened: Bool { state.withLock { $0.isOpened } }
  var failure: String? { state.withLock { $0.failure } }

  func opened() { state.withLock { $0.isOpened = true } }
  func received(_ bytes: Span<UInt8>) {}
  func ended() {}
  func broken(_ failure: PipeFailure) { state.withLock { $0.failure = "\(failure)" } }
  func transmit(into bytes: inout OutputSpan<UInt8>) -> PipeFill { .later }
  func settle() {}
}

extension AsyncSocket {
  fileprivate func waitABit() async throws { try await thread.sleep(for: .milliseconds(5)) }
}
