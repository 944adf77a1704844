import Bytes
import HTTPExchange
import HTTPModel
import MeshIndex
import MeshModel
import TestSupport
import Testing

@testable import RequestProxying

@Suite("What a waypoint dials")
struct DialingTests {
  let applications = Applications()

  func world(_ configuration: WaypointConfiguration, _ mesh: MeshSnapshot) throws -> World {
    let world = try World(configuration, mesh)
    world.application = { [applications] in applications.open($0) }
    return world
  }

  @Test("a connection in plaintext gets no request of an endpoint that takes tunnels now, nor the other way")
  func changes() throws {
    var state = MeshState()
    let world = try world(
      Shop.configuration(), Shop.mesh(endpoints: 1, in: &state) { $0.tunnelProtocol = .none })
    let client = HTTPClient(.http1)
    _ = try #require(world.connect(client))
    func ask(_ tunnel: Workload.TunnelProtocol) throws {
      world.proxy.adopt(Shop.mesh(endpoints: 1, in: &state) { $0.tunnelProtocol = tunnel })
      for _ in 0..<2 {
        _ = try client.ask("GET", "/")
        world.settle()
      }
      let record = try #require(world.records.last)
      #expect((record.destination?.party.identity != nil) == (tunnel == .hbone))
      #expect(record.status == 200 && record.destinationSecurity == (tunnel == .hbone ? .mutualTLS : []))
    }
    try ask(.none)
    try ask(.hbone)
    try ask(.none)
    // The first plain connection still lives, and serves again.
    #expect(world.dialed.map(\.endpoint.tunnel) == [.none, .hbone])
    #expect(world.records.count == 6)
  }

  @Test(
    "an endpoint behind another waypoint is not dialed past it",
    arguments: [Workload.TunnelProtocol.none, .hbone])
  func another(tunnel: Workload.TunnelProtocol) throws {
    let mesh = Shop.mesh(endpoints: 1) { workload in
      workload.tunnelProtocol = tunnel
      workload.waypoint = ServiceKey(namespace: "production", hostname: "other-waypoint")
    }
    let world = try world(Shop.configuration(), mesh)
    let client = HTTPClient(.http1)
    _ = try #require(world.connect(client))
    let id = try client.ask("GET", "/")
    world.settle()
    #expect(client.answers[id]?.head.status == 503 && world.dialed.isEmpty)
  }

  @Test("a connection that is not HTTP waits no longer than connectTimeout, and is tried elsewhere")
  func connectTimeout() throws {
    let world = try world(
      Shop.configuration(speaks: .tcp) { $0.pool.connectTimeout = 200 }, Shop.mesh(endpoints: 2))
    world.holdsDials = true
    _ = try #require(world.connect(Raw("hello")))
    world.settle()
    #expect(world.dialed.count == 1)
    world.pass(milliseconds: 210)
    #expect(world.dialed.count == 2 && world.connections.isEmpty)
    world.pass(milliseconds: 1_100)
    #expect(world.dialed.count == 6)
    let record = try #require(world.connections.first)
    guard case .failed(let words, _) = record.outcome else {
      Issue.record("\(record.outcome)")
      return
    }
    #expect(words.contains("no connection within 200 ms"), "\(words)")
  }

  @Test("a raw connection to an endpoint without tunnels has no mutual TLS, and its record says so")
  func raw() throws {
    let world = try world(
      Shop.configuration(speaks: .tcp), Shop.mesh(endpoints: 1) { $0.tunnelProtocol = .none })
    let (client, server) = (Raw("hello"), Raw("hi"))
    world.application = { _ in server }
    _ = try #require(world.connect(client))
    world.settle()
    client.isClosing = true
    server.isClosing = true
    world.settle()
    let record = try #require(world.connections.first)
    #expect(!record.isMutualTLS && record.tunnelAddress == nil && record.bytesSent == 2)
  }
}
