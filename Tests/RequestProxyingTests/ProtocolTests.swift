import Bytes
import HTTPExchange
import HTTPModel
import MeshModel
import TestSupport
import Testing

@testable import RequestProxying

@Suite("Either HTTP on either side of a waypoint")
struct ProtocolTests {
  let applications = Applications()

  func world(_ configuration: WaypointConfiguration, _ version: HTTPVersion) throws -> World {
    let world = try World(configuration, Shop.mesh(endpoints: 1))
    world.application = { [applications] in applications.open($0, version) }
    return world
  }

  @Test(
    "a port tells what its application speaks, and a client speaks what it likes",
    arguments: [HTTPVersion.http1, .http2], [ApplicationProtocol.http1, .http2, .grpc])
  func declared(client version: HTTPVersion, port: ApplicationProtocol) throws {
    let world = try world(Shop.configuration(speaks: port), port == .http1 ? .http1 : .http2)
    applications.answers = { _, server, id in
      server.answer(id, 200, Array("made".utf8), trailers: [Field("x-end", "1")])
    }
    let client = HTTPClient(version)
    _ = world.connect(client)
    let id = try client.ask(
      "POST", "/", [Field("te", "trailers")], Array("body".utf8), trailers: [Field("x-sum", "4")])
    world.settle()
    #expect(client.bodies[id] == Array("made".utf8) && client.ends[id] == [Field("x-end", "1")])
    let server = try #require(applications.servers.first?.server)
    #expect(server.ends[server.order[0]] == [Field("x-sum", "4")])
    #expect(world.records.first?.version == (version == .http1 ? "HTTP/1.1" : "HTTP/2"))
  }

  @Test("a client that says nothing on a port of HTTP is not waited for when the waypoint ends")
  func silent() throws {
    let world = try world(Shop.configuration(), .http1)
    let client = Raw()
    _ = world.connect(client)
    world.settle()
    world.proxy.drain()
    world.settle()
    #expect(client.isOver && world.proxy.load == 0)
    let other = Raw()
    _ = world.connect(other)
    other.isClosing = true
    world.settle()
    #expect(other.isOver && world.proxy.load == 0 && world.records.isEmpty)
  }

  @Test(
    "what an application says before its response reaches a client of either HTTP",
    arguments: [HTTPVersion.http1, .http2])
  func informational(version: HTTPVersion) throws {
    let world = try world(Shop.configuration(), .http1)
    world.application = { [applications] endpoint in
      let server = applications.open(endpoint)
      server.onRequest = { server, id in
        #expect(server.requests[id]?.expectsContinue == true)
        server.connection.inform(id, ResponseHead(status: 103, fields: [Field("link", "</a>")]))
        server.connection.inform(id, ResponseHead(status: 100))
      }
      return server
    }
    let client = HTTPClient(version)
    _ = world.connect(client)
    let head = RequestHead(
      method: "POST", scheme: "http", authority: "server", path: "/",
      fields: [Field("expect", "100-continue")])
    let id = try client.connection.request(head, body: .exactly(2))
    world.settle()
    #expect(client.informed == [103, 100] && client.answers[id] == nil)
    client.connection.send(id, [1, 2].span)
    client.connection.end(id)
    world.settle()
    #expect(client.answers[id]?.head.status == 200)
  }

  @Test(
    "a client that may send no more is told when its bytes have left, though it says nothing meanwhile",
    arguments: [HTTPVersion.http1, .http2])
  func credit(version: HTTPVersion) throws {
    let world = try world(Shop.configuration(), .http1)
    world.holdsDials = true
    let client = HTTPClient(version)
    let link = try #require(world.connect(client))
    let head = RequestHead(method: "POST", scheme: "http", authority: "server", path: "/")
    let id = try client.connection.request(head, body: .exactly(100_001))
    client.connection.send(id, [UInt8](repeating: 1, count: 100_000).span)
    world.settle()
    // An HTTP/2 client has a window of its own.
    #expect(link.credited < link.received || version == .http2)
    world.releaseDials()
    world.settle()
    #expect(link.credited == link.received)
    client.connection.send(id, [1].span)
    client.connection.end(id)
    world.settle()
    #expect(client.answers[id]?.head.status == 200)
  }

  @Test("a mirror that does not read is given up, and not kept for in memory")
  func slowMirror() throws {
    let configuration = Shop.configuration(
      rules: [Shop.forward(mirrors: [Mirror(backend: Backend(service: Shop.shadow))])])
    let world = try world(configuration, .http1)
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    let head = RequestHead(method: "POST", scheme: "http", authority: "server", path: "/")
    let id = try client.connection.request(head, body: .exactly(3 << 20))
    client.connection.send(id, [1].span)
    world.settle()
    let shadow = try #require(applications.servers.first { $0.name == "shadow-1" }?.server)
    let link = try #require(world.links.first { $0.far === shadow })
    #expect(shadow.bodies[shadow.order[0]] == [1])
    link.isShut = true
    client.connection.send(id, [UInt8](repeating: 1, count: 1 << 20).span)
    world.settle()
    #expect(world.records.isEmpty)
    client.connection.send(id, [UInt8](repeating: 1, count: (2 << 20) - 1).span)
    client.connection.end(id)
    world.settle()
    #expect(client.answers[id]?.head.status == 200)
    let copy = try #require(world.records.first { $0.kind == .mirror })
    #expect(copy.flags.contains(.upstreamOverflow) && copy.bytesReceived <= 3 << 20)
  }

  @Test("a refusal of gRPC is a head that ends its stream, as its clients ask")
  func refusedGRPC() throws {
    let world = try world(Shop.configuration(speaks: .grpc), .http2)
    world.application = { _ in nil }
    let client = HTTPClient(.http2)
    _ = world.connect(client)
    let id = try client.ask("POST", "/a.B/c", [Field("content-type", "application/grpc")], [])
    world.settle()
    world.pass(milliseconds: 1_000)
    #expect(client.answers[id]?.head.fields.first("grpc-status") == "14")
    #expect(client.answers[id]?.body == BodySize.none && client.ends[id] == [])
  }

  @Test("the application is told of the client as is configured, and for whom it is")
  func clientFields() throws {
    let certificate =
      "By=spiffe://cluster.local/ns/production/sa/pay;"
      + "URI=spiffe://cluster.local/ns/production/sa/order-service-sa"
    for (told, wanted) in [
      (ClientField.standard, ["10.244.1.9", "http", certificate, nil]), ([], [nil, nil, nil, nil]),
      ([.forwarded], [nil, nil, nil, "for=10.244.1.9;host=\"server\";proto=http"]),
    ] as [([ClientField], [String?])] {
      var configuration = Shop.configuration(
        rules: [Shop.forward(mirrors: [Mirror(backend: Backend(service: Shop.shadow))])])
      configuration.clientFields = told
      let applications = Applications()
      let world = try World(configuration, Shop.mesh(endpoints: 1))
      world.application = { applications.open($0) }
      let client = HTTPClient(.http1)
      _ = world.connect(client)
      _ = try client.ask("GET", "/", [Field("x-forwarded-client-cert", "URI=spiffe://lie")])
      world.settle()
      #expect(applications.servers.count == 2)
      for (_, server) in applications.servers {
        let fields = try #require(server.order.first.flatMap { server.requests[$0]?.head.fields })
        #expect(ClientField.allCases.map { fields.first($0.rawValue) } == wanted)
      }
    }
  }
}
