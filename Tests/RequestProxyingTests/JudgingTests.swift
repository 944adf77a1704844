import Bytes
import HTTPExchange
import HTTPModel
import MeshIndex
import MeshModel
import TestSupport
import Testing

@testable import RequestProxying

@Suite("What lives is judged again when policy changes")
struct JudgingTests {
  let applications = Applications()

  private func world(speaks: ApplicationProtocol? = .http1, mirrors: Bool = false) throws -> World {
    let rules = mirrors ? [Shop.forward(mirrors: [Mirror(backend: Backend(service: Shop.shadow))])] : []
    let world = try World(Shop.configuration(rules: rules, speaks: speaks), Shop.mesh(endpoints: 1))
    world.application = { [applications] in applications.open($0) }
    return world
  }

  private func forbid(_ world: World, _ accounts: [String] = ["order-service-sa"]) {
    let policies = accounts.map { RecordTests.deny($0, name: $0 == "web" ? "no-web" : "no-more") }
    world.proxy.adopt(Shop.mesh(endpoints: 1, policies: policies))
    world.settle()
  }

  @Test("a request that waits for its answer is answered 403, and another's goes on")
  func waiting() throws {
    let world = try world()
    var held: [(HTTPServer, ExchangeID)] = []
    applications.answers = { _, server, id in held.append((server, id)) }
    let (client, other) = (HTTPClient(.http1), HTTPClient(.http1))
    _ = world.connect(client)
    _ = world.connect(other, from: "web")
    let (id, others) = (try client.ask(), try other.ask())
    world.settle()
    forbid(world)
    #expect(client.answers[id]?.head.status == 403)
    #expect(client.answers[id]?.head.fields.first("x-apus-reason") == "policy:production/no-more")
    #expect(world.records.map(\.refusal) == [.policy("production/no-more")])
    for (server, id) in held { server.answer(id) }
    world.settle()
    #expect(other.answers[others]?.head.status == 200)
    let counters = world.proxy.counters
    #expect(counters.judgedAgain == 2 && counters.endedByPolicy == 1 && world.records.count == 2)
  }

  @Test("a response under way is cut, and its record says why", arguments: [HTTPVersion.http1, .http2])
  func streaming(version: HTTPVersion) throws {
    let world = try world(speaks: version == .http1 ? .http1 : .http2)
    world.application = { [applications] in applications.open($0, version) }
    applications.answers = { _, server, id in
      try? server.connection.respond(id, ResponseHead(status: 200), body: .streamed)
      server.connection.send(id, Array("data: 1\n\n".utf8).span)
    }
    let client = HTTPClient(version)
    _ = world.connect(client)
    let id = try client.ask()
    world.settle()
    #expect(client.bodies[id]?.count == 9)
    forbid(world, ["web"])
    #expect(client.failures[id] == nil && world.records.isEmpty)
    forbid(world, ["web", "order-service-sa"])
    #expect(client.failures[id] != nil && client.ends[id] == nil)
    let record = try #require(world.records.first)
    #expect(world.records.count == 1 && record.status == 200 && record.flags.contains(.unauthorized))
    #expect(record.reason == "policy:production/no-more" && record.details.contains("policy has changed"))
    // The application is told, too: nobody waits for the rest.
    let server = try #require(applications.servers.first).server
    #expect(!server.aborted.isEmpty)
    #expect(world.proxy.figures.requests == 0)
  }

  @Test("a WebSocket ends")
  func webSocket() throws {
    let world = try world()
    applications.answers = { _, server, id in
      try? server.connection.respond(
        id, ResponseHead(status: 101), body: .streamed, upgrade: server.requests[id]?.upgrade)
    }
    let client = HTTPClient(.http1)
    let link = try #require(world.connect(client))
    let head = RequestHead(method: "GET", authority: "server", path: "/chat")
    let id = try client.connection.request(head, body: .none, upgrade: "websocket")
    client.connection.end(id)
    world.settle()
    #expect(client.answers[id]?.isTunnel == true)
    forbid(world)
    #expect(link.isGone && world.proxy.load == 0)
    #expect(world.records.count == 1 && world.records[0].status == 101)
    #expect(world.records[0].refusal == .policy("production/no-more"))
  }

  @Test("a connection that is not HTTP ends; while that is open, its requests are judged")
  func raw() throws {
    let world = try world(speaks: nil)
    let (client, silent, server) = (Raw(), Raw(), Raw("220 ready\r\n"))
    world.application = { _ in server }
    let link = try #require(world.connect(client))
    world.settle()
    world.application = { _ in Raw() }
    let undecided = try #require(world.connect(silent))
    world.settle()
    forbid(world)
    #expect(link.isGone && client.isOver && server.isOver)
    #expect(world.connections.count == 1)
    guard case .refused(let reason, false) = world.connections.first?.outcome else {
      return #expect(Bool(false), "\(String(describing: world.connections.first?.outcome))")
    }
    #expect(reason == .policy("production/no-more"))
    #expect(!undecided.isGone)
    silent.outgoing = Array("GET / HTTP/1.1\r\nhost: pay\r\n\r\n".utf8)
    world.settle()
    #expect(String(decoding: silent.seen, as: UTF8.self).hasPrefix("HTTP/1.1 403"))
    #expect(world.records.count == 1 && world.connections.count == 1)
  }

  @Test("a copy for a mirror ends, and the request with it only if it is forbidden itself")
  func mirror() throws {
    let world = try world(mirrors: true)
    applications.answers = { name, server, id in if name != "shadow-1" { server.answer(id) } }
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    let id = try client.ask()
    world.settle()
    #expect(client.answers[id]?.head.status == 200)
    #expect(world.records.map(\.kind) == [.request])
    // The copy still waits, though its request has ended.
    forbid(world)
    let shadow = try #require(applications.servers.first { $0.name == "shadow-1" }).server
    world.links.first { $0.far === shadow }?.breakOff()
    world.settle()
    #expect(world.records.map(\.kind) == [.request, .mirror])
  }
}
