import HTTPExchange
import HTTPModel
import MeshModel
import TestSupport
import Testing

@testable import RequestProxying

@Suite("How much one connection to an endpoint is used")
struct ConnectionLimitTests {
  let applications = Applications()

  private func world(_ change: (inout ConnectionPool) -> Void) throws -> World {
    let configuration = Shop.configuration(speaks: .http2) { change(&$0.pool) }
    let world = try World(configuration, Shop.mesh(endpoints: 1))
    world.application = { [applications] in applications.open($0, .http2) }
    return world
  }

  @Test("one that is full takes no further request (maxConcurrentStreams)", arguments: [1, 2, 4])
  func streams(most: Int) throws {
    let world = try world { $0.maxConcurrentStreams = most }
    let client = HTTPClient(.http2)
    _ = try #require(world.connect(client))
    for _ in 0..<4 { _ = try client.ask() }
    world.settle()
    #expect(world.dialed.count == 4 / most && applications.total == 4)
  }

  @Test("one that is too old takes no further request, and is closed (maxConnectionDuration)")
  func age() throws {
    let world = try world { $0.maxConnectionDuration = 5_000 }
    let client = HTTPClient(.http2)
    _ = try #require(world.connect(client))
    for milliseconds in [1_000, 3_000, 3_000, 1_000] {
      _ = try client.ask()
      world.settle()
      world.pass(milliseconds: milliseconds)
    }
    #expect(applications.total == 4)
    // The third comes after four seconds, the fourth after seven.
    #expect(world.dialed.count == 2)
  }

  @Test("one that is used again and again stays, however often it was idle in between")
  func reuse() throws {
    let world = try World(Shop.configuration(), Shop.mesh(endpoints: 1))
    world.application = { [applications] in applications.open($0, .http1) }
    let client = HTTPClient(.http1)
    _ = try #require(world.connect(client))
    for _ in 0..<3_000 {
      _ = try client.ask()
      world.settle()
    }
    #expect(applications.total == 3_000 && world.dialed.count == 1)
  }

  @Test("each that is idle is closed at its own time (idleTimeout)")
  func idle() throws {
    let world = try World(
      Shop.configuration { $0.pool.idleTimeout = 2_000 }, Shop.mesh(endpoints: 1))
    world.application = { [applications] in applications.open($0, .http1) }
    let clients = [HTTPClient(.http1), HTTPClient(.http1)]
    for client in clients { _ = try #require(world.connect(client)) }
    for client in clients { _ = try client.ask() }
    world.settle()
    #expect(world.dialed.count == 2 && world.links.count == 4)
    world.pass(milliseconds: 1_000)
    _ = try clients[0].ask()
    world.settle()
    world.pass(milliseconds: 1_500)
    // The one that was used last is left, and the clients' own.
    #expect(world.dialed.count == 2 && world.links.count == 3)
    world.pass(milliseconds: 1_000)
    #expect(world.links.count == 2)
  }
}
