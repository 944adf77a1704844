import Bytes
import Logging
import MeshModel
import RPC
import Reactor
import TLSEngine
import Testing

@testable import Transport

/// A server on the loopback address with a certificate of its own authority, and what a client needs to dial
/// it.
struct Loopback {
  let thread: ReactorThread
  let server: RPCServer
  let roots: TrustBundle
  static let name = "apus-control"

  init(_ methods: [String: RPCMethod], limits: WireLimits = WireLimits()) throws {
    thread = try ReactorThread(name: "t-rpc")
    let now = Clock.wall() / 1_000_000_000
    let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: now)
    roots = issuer.bundle
    let credentials = try issuer.makeServerCredentials(
      dnsNames: [Self.name], ips: [], lifetime: 3_600, now: now)
    let settings = try TLSSettings.server(credentials: credentials, roots: nil)
    server = try RPCServer(
      on: SocketAddress(.loopback(.v4), 0), settings: { settings }, methods: methods, thread: thread,
      limits: limits,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let server = server
    Task(executorPreference: thread) { await server.run() }
  }

  func connect(name: String = Self.name, roots other: TrustBundle? = nil) async throws -> RPCClient {
    try await RPCClient.connect(to: server.address, name: name, roots: other ?? roots, on: thread)
  }

  static let echo = RPCMethod.unary(limit: 1 << 20) { call, message throws(RPCStatus) in
    guard call.head.bearerToken == "secret" else {
      throw RPCStatus(.unauthenticated, "who are you: \(call.head.path)")
    }
    return message
  }

  static let repeatAll = RPCMethod.stream(limit: 8 << 20) { _, stream throws(RPCStatus) in
    while let message = try await stream.receive() { try await stream.send(message) }
  }
}

@Suite("Calls over real sockets and TLS")
struct RPCTests {
  @Test("a unary call is answered, and a refusal comes with its reason")
  func unary() async throws {
    let loopback = try Loopback(["/t.T/Echo": Loopback.echo])
    let client = try await loopback.connect()
    #expect(
      try await client.call("/t.T/Echo", [1, 2, 3], token: "secret", timeout: .seconds(20)) == [1, 2, 3])
    #expect(try await client.call("/t.T/Echo", [], token: "secret", timeout: .seconds(20)) == [])
    await #expect(throws: RPCStatus(.unauthenticated, "who are you: /t.T/Echo")) {
      try await client.call("/t.T/Echo", [1], token: "wrong", timeout: .seconds(20))
    }
    await #expect(throws: RPCStatus(.unimplemented, "no method /t.T/None")) {
      try await client.call("/t.T/None", [1], token: nil, timeout: .seconds(20))
    }
    await loopback.server.close(grace: .seconds(5))
  }

  @Test("messages go both ways on one call, also ones larger than every window")
  func stream() async throws {
    let loopback = try Loopback(["/t.T/All": Loopback.repeatAll])
    let client = try await loopback.connect()
    let stream = try await client.open("/t.T/All", token: nil)
    for size in [0, 1, 16_384, 3 << 20] {
      let message = [UInt8](repeating: UInt8(size & 0x7f), count: size)
      try await stream.send(message)
      #expect(try await stream.receive() == message)
    }
    await stream.finish()
    #expect(try await stream.receive() == nil)
    await loopback.server.close(grace: .seconds(5))
  }

  @Test("a sender without a reader waits, and both ends go on when the reader reads")
  func backPressure() async throws {
    let loopback = try Loopback(["/t.T/All": Loopback.repeatAll])
    let client = try await loopback.connect()
    let stream = try await client.open("/t.T/All", token: nil)
    let message = [UInt8](repeating: 7, count: 256 << 10)
    async let sent: Void = {
      for _ in 0..<64 { try await stream.send(message) }
      await stream.finish()
    }()
    var received = 0
    while let answer = try await stream.receive() {
      #expect(answer.count == message.count)
      received += 1
    }
    try await sent
    #expect(received == 64)
    await loopback.server.close(grace: .seconds(5))
  }

  @Test("a message above the method's limit ends the call, not the connection")
  func limit() async throws {
    let loopback = try Loopback(["/t.T/Echo": Loopback.echo])
    let client = try await loopback.connect()
    let big = [UInt8](repeating: 0, count: (1 << 20) + 1)
    await #expect(
      throws: RPCStatus(.resourceExhausted, "a message of 1048577 bytes is above the limit of 1048576")
    ) {
      try await client.call("/t.T/Echo", big, token: "secret", timeout: .seconds(20))
    }
    #expect(try await client.call("/t.T/Echo", [9], token: "secret", timeout: .seconds(20)) == [9])
    await loopback.server.close(grace: .seconds(5))
  }

  @Test("a server of another name or another authority is refused, and the reason is said")
  func wrongServer() async throws {
    let loopback = try Loopback([:])
    await #expect(throws: RPCStatus.self) { try await loopback.connect(name: "somebody-else") }
    let other = try CertificateIssuer(trustDomain: .clusterLocal, now: Clock.wall() / 1_000_000_000)
    await #expect(throws: RPCStatus.self) { try await loopback.connect(roots: other.bundle) }
    await loopback.server.close(grace: .seconds(5))
  }

  @Test("nobody listens: the address and the reason are said")
  func refused() async throws {
    let loopback = try Loopback([:])
    let address = loopback.server.address
    await loopback.server.close(grace: .seconds(5))
    do {
      _ = try await RPCClient.connect(to: address, name: "x", roots: loopback.roots, on: loopback.thread)
      Issue.record("connected to nobody")
    } catch {
      #expect(error.code == .unavailable)
      #expect(error.message.contains("\(address)"))
    }
  }

  @Test("a call that is not answered in time is given up")
  func deadline() async throws {
    let loopback = try Loopback([
      "/t.T/Never": .stream(limit: 10) { _, stream throws(RPCStatus) in
        _ = try await stream.receive(); while try await stream.receive() != nil {}
        try? await Task.sleep(for: .seconds(3_600))
      }
    ])
    let client = try await loopback.connect()
    do {
      _ = try await client.call("/t.T/Never", [1], token: nil, timeout: .milliseconds(50))
      Issue.record("answered")
    } catch {
      #expect(error.code == .deadlineExceeded)
    }
    await loopback.server.close(grace: .seconds(5))
  }

  @Test("closing the server ends the calls with a reason")
  func close() async throws {
    let loopback = try Loopback(["/t.T/All": Loopback.repeatAll])
    let client = try await loopback.connect()
    let stream = try await client.open("/t.T/All", token: nil)
    try await stream.send([1])
    #expect(try await stream.receive() == [1])
    await loopback.server.close(grace: .seconds(5))
    await #expect(throws: RPCStatus.self) { try await stream.receive() }
    #expect(loopback.server.figures.connections == 0)
  }
}
