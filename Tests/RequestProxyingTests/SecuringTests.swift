import Bytes
import Glibc
import HTTPExchange
import HTTPModel
import MeshIndex
import MeshModel
import TLSEngine
import TestSupport
import Testing

@testable import RequestProxying

@Suite("TLS to applications")
struct SecuringTests {
  let applications = Applications()
  let issuer: CertificateIssuer
  let other: CertificateIssuer

  init() throws {
    let now = Int64(time(nil))
    issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: now)
    other = try CertificateIssuer(trustDomain: .clusterLocal, now: now)
  }

  private func settings(_ version: HTTPVersion?, named name: String = "server") throws -> TLSSettings {
    let credentials = try issuer.makeServerCredentials(
      dnsNames: [name], ips: [], lifetime: 3_600, now: Int64(time(nil)))
    let alpn: [String] = version.map { [$0 == .http2 ? "h2" : "http/1.1"] } ?? []
    return try .server(credentials: credentials, roots: nil, alpn: alpn)
  }

  private func world(
    _ version: HTTPVersion = .http1, _ tls: TLSOrigination, speaks: ApplicationProtocol? = nil,
    rules: [RouteRule] = [], mesh: MeshSnapshot = Shop.mesh(endpoints: 1), named name: String = "server",
    machine: TrustBundle? = nil, step: Int = .max
  ) throws -> World {
    let configuration = Shop.configuration(
      rules: rules, speaks: speaks ?? (version == .http2 ? .http2 : .http1)
    ) { $0.tls = tls }
    let world = try World(configuration, mesh)
    world.proxy.adopt(try WaypointTables(configuration, machineAuthorities: machine))
    let settings = try settings(version, named: name)
    world.application = { [applications] in
      let end = try? SecuredEnd(settings, applications.open($0, version))
      end?.step = step
      return end
    }
    return world
  }

  private var trusting: TLSOrigination { TLSOrigination(authorities: issuer.bundle.pem) }

  @Test(
    "a request passes within TLS, in tunnels and without, however its bytes are cut",
    arguments: [HTTPVersion.http1, .http2], [Workload.TunnelProtocol.hbone, .none])
  func passes(version: HTTPVersion, tunnel: Workload.TunnelProtocol) throws {
    for step in [1, 700, Int.max] {
      let world = try world(
        version, trusting, mesh: Shop.mesh(endpoints: 1) { $0.tunnelProtocol = tunnel }, step: step)
      applications.answers = { _, server, id in server.answer(id, 201, Array("made".utf8)) }
      let client = HTTPClient(version)
      _ = try #require(world.connect(client))
      for body in [[1, 2, 3], [UInt8](repeating: 9, count: 90_000)] {
        let id = try client.ask("POST", "/", [], body)
        world.settle()
        #expect(client.answers[id]?.head.status == 201 && client.bodies[id] == Array("made".utf8))
      }
      let (_, server) = try #require(applications.servers.last)
      let asked = try #require(server.requests[server.order[1]])
      #expect(server.bodies[server.order[1]]?.count == 90_000)
      #expect(version == .http1 || asked.head.scheme == "https")
      let record = try #require(world.records.last)
      #expect(
        record.destinationSecurity == (tunnel == .hbone ? [.mutualTLS, .applicationTLS] : .applicationTLS))
      #expect(world.dialed.count == 1)
      let link = try #require(world.links.first { $0.far is SecuredEnd })
      // Every byte of ciphertext has been given back.
      #expect(link.credited == link.received)
    }
  }

  @Test("each name that requests give a server has a connection of its own, and one that is set has one")
  func names() throws {
    for (name, count) in [(nil, 2), ("server", 1)] as [(String?, Int)] {
      var tls = trusting
      tls.serverName = name
      let world = try world(tls: tls)
      let client = HTTPClient(.http1)
      _ = try #require(world.connect(client))
      for authority in ["server", "SERVER:80", "server.", "elsewhere"] {
        let head = RequestHead(method: "GET", scheme: "http", authority: authority, path: "/", fields: [])
        let id = try client.connection.request(head, body: .none)
        client.connection.end(id, trailers: [])
        world.settle()
        world.pass(milliseconds: 300)
        let isFine = authority != "elsewhere" || name != nil
        #expect(client.answers[id]?.head.status == (isFine ? 200 : 503), "\(authority)")
      }
      // The name that the certificate lacks is tried once, and again.
      let opened = world.dialed.count
      #expect(name == nil ? opened >= count : opened == count)
    }
  }

  private func world(tls: TLSOrigination) throws -> World { try world(.http1, tls) }

  @Test("who is not believed gets nothing, is tried again, and the record says why")
  func refused() throws {
    let rules = [Shop.forward(retry: RetryRule(attempts: 1, conditions: [.connectFailure], backoff: 1))]
    var cases: [(TLSOrigination, String, String)] = [
      (TLSOrigination(authorities: other.bundle.pem), "server", "no authority of caCertificates"),
      (trusting, "another", "not for the server name \"server\""),
      (TLSOrigination(), "server", "no list of authorities"),
    ]
    cases.append((trusting, "another.example", "not for the server name"))
    var exact = trusting
    exact.subjectAltNames = ["spiffe://cluster.local/ns/a/sa/b", "serve"]
    cases.append((exact, "server", "has not the name"))
    for (tls, name, words) in cases {
      let world = try world(.http1, tls, rules: rules, named: name)
      let client = HTTPClient(.http1)
      _ = try #require(world.connect(client))
      let id = try client.ask("GET", "/")
      world.settle()
      world.pass(milliseconds: 100)
      #expect(client.answers[id]?.head.status == 503)
      let record = try #require(world.records.first)
      #expect(record.details.contains(words), "\(record.details)")
      #expect(record.flags.contains(.upstreamConnectionFailure) && record.attempts == 2)
      #expect(applications.total == 0 && !world.links.contains { $0.far is SecuredEnd })
    }
  }

  @Test("other ways to believe: the machine's authorities, a name that it has, anybody")
  func believed() throws {
    var named = trusting
    (named.serverName, named.subjectAltNames) = ("unknown.example", ["x", "server"])
    let cases: [(TLSOrigination, TrustBundle?)] = [
      (TLSOrigination(), issuer.bundle), (named, nil),
      (TLSOrigination(serverName: "nobody", skipsVerification: true), nil),
    ]
    for (tls, machine) in cases {
      let world = try world(.http1, tls, machine: machine)
      let client = HTTPClient(.http1)
      _ = try #require(world.connect(client))
      let id = try client.ask("GET", "/")
      world.settle()
      #expect(client.answers[id]?.head.status == 200)
    }
  }

  @Test("an application that speaks no TLS is told as such")
  func plain() throws {
    let world = try world(.http1, trusting)
    world.application = { _ in Raw("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n") }
    let client = HTTPClient(.http1)
    _ = try #require(world.connect(client))
    let id = try client.ask("GET", "/")
    world.settle()
    world.pass(milliseconds: 500)
    #expect(client.answers[id]?.head.status == 503)
    #expect(world.records.first?.details.contains("does not speak TLS as it should") == true)
  }

  @Test("a body that ends with the connection is whole only when TLS says so", arguments: [false, true])
  func truncated(isCut: Bool) throws {
    let world = try world(.http1, trusting)
    let application = Raw("HTTP/1.1 200 OK\r\n\r\nthe body")
    let settings = try settings(.http1)
    world.application = { _ in
      let end = try? SecuredEnd(settings, application)
      end?.cutsOff = isCut
      return end
    }
    let client = HTTPClient(.http1)
    _ = try #require(world.connect(client))
    let id = try client.ask("GET", "/")
    world.settle()
    application.isClosing = true
    world.settle()
    #expect(client.bodies[id] == Array("the body".utf8))
    #expect((client.ends[id] != nil) == !isCut)
    #expect(world.records.first?.details.isEmpty == !isCut)
  }

  @Test("what is not HTTP passes too, and each side ends by itself")
  func raw() throws {
    let world = try world(.http1, trusting, speaks: .tcp, named: "pay.production.svc.cluster.local")
    let (client, application) = (Raw("hello"), Raw(String(repeating: "x", count: 70_000)))
    let settings = try settings(nil, named: "pay.production.svc.cluster.local")
    world.application = { _ in try? SecuredEnd(settings, application) }
    _ = try #require(world.connect(client))
    client.isClosing = true
    world.settle()
    #expect(application.seen == Array("hello".utf8) && application.isOver)
    #expect(client.seen.count == 70_000 && !client.isOver)
    application.isClosing = true
    world.settle()
    #expect(client.isOver && world.connections.count == 1)
    let record = try #require(world.connections.first)
    guard case .complete = record.outcome else { return #expect(Bool(false), "\(record.outcome)") }
    #expect(record.bytesSent == 70_000 && record.bytesReceived == 5)
  }

  @Test("the peer may send more when the plaintext has left, and not before")
  func credit() throws {
    let (below, above) = (Below(), Above())
    let pipe = SecuredPipe(Originator(trusting, machine: nil), speaking: .any, host: "server", owner: above)
    pipe.lead(through: below)
    let server = try TLSSession(settings(nil), role: .server, expecting: .nobody)
    pipe.opened()
    var received = 0
    func carry() throws {
      let there = drain(1 << 20) { _ = pipe.transmit(into: &$0) }
      pipe.settle()
      if !there.isEmpty {
        _ = drain(there.count + TLSSession.receiveAllowance) {
          _ = try? server.receive(there.span, into: &$0)
        }
      }
      while !server.outgoing.isEmpty {
        let count = min(1_000, server.outgoing.count)
        received += count
        server.outgoing.withBytes { pipe.received($0.extracting(..<count)) }
        server.outgoing.removeFirst(count)
      }
    }
    for _ in 0..<3 { try carry() }
    #expect(above.isOpened && below.credited == received)
    try server.send([UInt8](repeating: 1, count: 200_000).span)
    try carry()
    #expect(above.received == 200_000)
    // What is not passed on is not given back, but for a record that was not whole.
    #expect(below.credited <= received - 200_000 + (17 << 10))
    pipe.credit(150_000)
    #expect(below.credited <= received - 50_000 + (17 << 10) && below.credited > received - 60_000)
    pipe.credit(50_000)
    #expect(below.credited == received)
  }
}

private final class Below: Pipe {
  var credited = 0
  func wake() {}
  func credit(_ count: Int) { credited += count }
  func close(isClean: Bool) {}
}

private final class Above: PipeOwner {
  var (isOpened, received) = (false, 0)
  func opened() { isOpened = true }
  func received(_ bytes: Span<UInt8>) { received += bytes.count }
  func ended() {}
  func broken(_ failure: PipeFailure) {}
  func transmit(into bytes: inout OutputSpan<UInt8>) -> PipeFill { .later }
  func settle() {}
}
