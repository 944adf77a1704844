import Bytes
import HTTPExchange
import HTTPModel
import MeshModel
import TestSupport
import Testing

@testable import RequestProxying

/// Clients that send no more. A waypoint that thinks that they are still there is never idle.
@Suite("Clients that leave")
struct LeavingTests {
  let applications = Applications()

  @Test(
    "a connection that is kept is over when its client ends it", arguments: [HTTPVersion.http1, .http2],
    [0, 1, 3])
  func betweenRequests(version: HTTPVersion, requests: Int) throws {
    let world = try World(Shop.configuration(speaks: version == .http1 ? .http1 : .http2), Shop.mesh())
    world.application = { [applications] in applications.open($0, version) }
    let client = HTTPClient(version)
    let link = try #require(world.connect(client))
    for _ in 0..<requests {
      _ = try client.ask()
      world.settle()
    }
    #expect(applications.total == requests && world.proxy.load == 1)
    link.owner?.ended()
    world.settle()
    #expect(world.proxy.load == 0 && link.isGone)
  }

  @Test("a client that sends no more gets the answer that is under way, and then the connection is over")
  func underWay() throws {
    let world = try World(Shop.configuration(), Shop.mesh(endpoints: 1))
    world.application = { [applications] in applications.open($0) }
    var answer: (() -> Void)?
    applications.answers = { _, server, id in answer = { server.answer(id) } }
    let client = HTTPClient(.http1)
    let link = try #require(world.connect(client))
    let id = try client.ask()
    world.settle()
    link.owner?.ended()
    world.settle()
    #expect(world.proxy.load == 1 && client.answers[id] == nil)
    answer?()
    world.settle()
    #expect(client.answers[id]?.head.status == 200)
    #expect(world.proxy.load == 0 && link.isGone)
  }
}
