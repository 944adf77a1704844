import Bytes
import HTTPExchange
import HTTPModel
import MeshIndex
import MeshModel
import TestSupport
import Testing

@testable import RequestProxying

@Suite("Every request leaves one record")
struct RecordTests {
  let applications = Applications()

  private func world(
    _ configuration: WaypointConfiguration = Shop.configuration(), endpoints: Int = 1,
    policies: [Authorization] = []
  ) throws -> World {
    let world = try World(configuration, Shop.mesh(endpoints: endpoints, policies: policies))
    world.application = { [applications] in applications.open($0) }
    return world
  }

  static func deny(_ account: String, name: String = "no-more") -> Authorization {
    var match = Authorization.Match()
    match.principals = [.exact("cluster.local/ns/production/sa/\(account)")]
    return Authorization(
      name: name, namespace: "production", scope: .namespace, action: .deny,
      rules: [.init(clauses: [.init(matches: [match])])])
  }

  /// SplitMix64.
  struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var mixed = state
      mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
      mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
      return mixed ^ mixed >> 31
    }
  }

  /// What may become of a request.
  enum Fate: CaseIterable {
    case answered, failing, denied, unreadablePath, faultInjected, timedOut
    case leavesBefore, leavesWithin, cutBefore, cutWithin, malformed, tooLarge, silentServer
  }

  private static let rules: [RouteRule] = {
    var fault = Shop.forward()
    fault.matches = [RequestMatch(path: PathMatch(.exact("/fault")))]
    fault.fault = Fault(abort: .init(status: .http(418), share: .all))
    return [fault, Shop.forward(timeout: 1_000, retry: RetryRule(attempts: 2, conditions: [.serverError]))]
  }()

  @Test("whatever becomes of them", arguments: 1...12 as ClosedRange<UInt64>)
  func exactlyOne(seed: UInt64) throws {
    var random = Seeded(seed)
    let world = try world(
      Shop.configuration(rules: Self.rules), endpoints: 2, policies: [Self.deny("nobody")])
    var asked = 0
    for _ in 0..<60 {
      let fate = Fate.allCases.randomElement(using: &random) ?? .answered
      applications.answers = { _, server, id in Self.answer(fate, server, id) }
      try play(fate, world)
      asked += 1
      #expect(world.records.count == asked, "\(fate) left \(world.records.count - asked + 1) records")
      world.records = Array(world.records.prefix(asked))
    }
    for link in world.links { link.breakOff() }
    world.settle()
    world.pass(milliseconds: 2_000)
    #expect(world.records.count == asked)
    #expect(world.proxy.load == 0 && world.proxy.figures.requests == 0 && world.connections.isEmpty)
    let ids = world.records.filter { $0.kind == .request }.map(\.requestID)
    #expect(Set(ids).count == ids.count && !ids.contains(""))
  }

  private static func answer(_ fate: Fate, _ server: HTTPServer, _ id: ExchangeID) {
    switch fate {
    case .failing: server.answer(id, 500)
    case .leavesWithin, .cutWithin:
      try? server.connection.respond(id, ResponseHead(status: 200), body: .exactly(10))
      server.connection.send(id, [1].span)
    case .leavesBefore, .cutBefore, .silentServer, .timedOut: break
    default: server.answer(id, 200, [1, 2, 3])
    }
  }

  private func play(_ fate: Fate, _ world: World) throws {
    switch fate {
    case .malformed, .tooLarge:
      let raw = Raw(
        fate == .malformed ? "GET / HTTP/1.1\r\nhost : a\r\n\r\n" : "GET / HTTP/1.1\r\nhost: a\r\nx: ")
      if fate == .tooLarge { raw.outgoing += [UInt8](repeating: 0x61, count: 128 << 10) }
      let link = try #require(world.connect(raw))
      world.settle()
      let record = try #require(world.records.last)
      #expect(record.kind == .unread && record.status == (fate == .malformed ? 400 : 431))
      #expect(record.flags.contains(.downstreamProtocolError) && !record.details.isEmpty)
      if !link.isGone { link.breakOff() }
      return world.settle()
    default: break
    }
    let client = HTTPClient(.http1)
    let link = try #require(
      world.connect(client, from: fate == .denied ? "nobody" : "order-service-sa"))
    let path = fate == .unreadablePath ? "/a%00" : fate == .faultInjected ? "/fault" : "/?token=x"
    _ = try client.ask("POST", path, [], [1, 2])
    world.settle()
    switch fate {
    case .leavesBefore, .leavesWithin: link.breakOff()
    case .cutBefore, .cutWithin: for other in world.links where other !== link { other.breakOff() }
    default: break
    }
    world.settle()
    world.pass(milliseconds: 1_200)
    if !link.isGone { link.breakOff() }
    world.settle()
  }

  @Test("a record says who, what, where, how long and how much")
  func content() throws {
    let world = try world(Shop.configuration(rules: [Shop.forward()]))
    var held: (HTTPServer, ExchangeID)?
    applications.answers = { _, server, id in held = (server, id) }
    let client = HTTPClient(.http1)
    _ = world.connect(client)
    _ = try client.ask("POST", "/pay?secret=1", [Field("user-agent", "test/1")], [1, 2, 3])
    world.settle()
    #expect(world.proxy.figures.requests == 1)
    world.pass(milliseconds: 70)
    held?.0.answer(held!.1, 201, [1])
    world.settle()
    let record = try #require(world.records.first)
    #expect(record.source.party.identity?.serviceAccount == "order-service-sa")
    #expect(record.destination?.party.workload == "pay-1" && record.service == Shop.pay)
    #expect(record.destination?.party.identity?.serviceAccount == "pay")
    #expect(record.destinationAddress == SocketAddress("10.244.2.1:8080"))
    #expect(record.method == "POST" && record.status == 201 && record.rule.hasPrefix("VirtualService"))
    #expect(record.bytesReceived == 3 && record.bytesSent == 1 && record.userAgent == "test/1")
    #expect(record.duration == 70_000_000 && record.upstreamDuration == 70_000_000)
    #expect(record.traceLow != 0 && !record.requestID.isEmpty && record.attempts == 1)
  }

  @Test("messages of gRPC are counted, however they are cut")
  func messages() {
    var count = MessageCount()
    let one: [UInt8] = [0, 0, 0, 0, 3, 1, 2, 3]
    let empty: [UInt8] = [0, 0, 0, 0, 0]
    for byte in one + empty + one { count.read([byte].span) }
    count.read((one + one + empty + [0, 0, 1, 0, 0]).span)
    count.read([UInt8](repeating: 9, count: 65_536).span)
    count.read(empty.span)
    #expect(count.messages == 8)
  }

  // MARK: Connections that are no HTTP

  @Test("a connection that is not HTTP leaves one record, with its bytes")
  func raw() throws {
    let world = try world(Shop.configuration(speaks: nil))
    let (client, server) = (Raw(), Raw("220 ready\r\n"))
    world.application = { _ in server }
    _ = try #require(world.connect(client))
    world.settle()
    client.outgoing = Array("EHLO me\r\n".utf8)
    world.settle()
    #expect(world.connections.isEmpty)
    client.isClosing = true
    server.isClosing = true
    world.settle()
    let record = try #require(world.connections.first)
    #expect(world.connections.count == 1 && world.records.isEmpty)
    #expect(record.bytesSent == 11 && record.bytesReceived == 9 && record.direction == .waypoint)
    #expect(record.destination.workload == "pay-1" && record.service == Shop.pay)
    #expect(record.source.identity?.serviceAccount == "order-service-sa")
    guard case .complete = record.outcome else { return #expect(Bool(false), "\(record.outcome)") }
  }

  @Test("its span continues the client's trace, and is kept as that says", arguments: [true, false, nil])
  func rawSpan(isKept: Bool?) throws {
    let world = try world(Shop.configuration(speaks: .tcp))
    world.proxy.keepsTraces = isKept != nil
    let (client, server) = (Raw("hello"), Raw("hi"))
    world.application = { _ in server }
    var random = SystemRandomNumberGenerator()
    let trace = Traceparent(using: &random, isSampled: isKept != false)
    _ = try #require(world.connect(client, in: trace))
    client.isClosing = true
    server.isClosing = true
    world.settle()
    let record = try #require(world.connections.first)
    #expect(record.isOpened)
    guard isKept == true else {
      #expect(record.trace == nil)
      return
    }
    let mark = try #require(record.trace)
    #expect(mark.traceHigh == trace.traceHigh && mark.traceLow == trace.traceLow && record.end > 0)
    #expect(mark.parent == trace.span && mark.span != trace.span && mark.span != 0)
  }

  @Test("what a server said last reaches the client, though its stream is gone", arguments: [false, true])
  func lastWords(clientHasEnded: Bool) throws {
    let world = try world(Shop.configuration(speaks: .tcp))
    let (client, server) = (Raw("hello"), Raw())
    world.application = { _ in server }
    _ = try #require(world.connect(client))
    client.isClosing = clientHasEnded
    world.settle()
    let link = try #require(world.links.first { $0.far === server })
    let owner = try #require(link.owner)
    // One batch of a tunnel: bytes, the end of the stream, and that it is closed.
    owner.received(Array("goodbye".utf8).span)
    owner.ended()
    link.breakOff()
    client.outgoing = clientHasEnded ? [] : [1, 2, 3]
    world.settle()
    #expect(String(decoding: client.seen, as: UTF8.self) == "goodbye" && client.isOver)
    #expect(world.connections.count == 1 && world.proxy.load == 0)
    guard case .complete = world.connections.first?.outcome else { return #expect(Bool(false)) }
  }

  @Test("also one that is refused, breaks, says nothing, or cannot be served", arguments: 0..<5)
  func rawFailures(kind: Int) throws {
    let policies = kind == 0 ? [Self.deny("order-service-sa")] : []
    let world = try world(Shop.configuration(speaks: kind == 3 ? nil : .tcp), policies: policies)
    let server = Raw(kind == 3 ? "" : "hello")
    world.application = { _ in kind == 1 ? nil : server }
    let client = Raw()
    let link = try #require(world.connect(client))
    world.pass(milliseconds: 10)
    if kind == 2 { world.links.last?.breakOff() }
    if kind == 3 { link.breakOff() }
    if kind == 4 { world.pass(milliseconds: 1) }
    if !link.isGone { link.breakOff() }
    world.settle()
    #expect(world.connections.count == 1 && world.proxy.load == 0)
    switch world.connections.first?.outcome {
    case .refused(let reason, let peer):
      #expect(kind == 0 ? reason == .policy("production/no-more") && !peer : kind == 1 && peer)
    case .failed: #expect(kind > 1)
    default: #expect(Bool(false))
    }
  }

  @Test("a connection that turns out to be HTTP leaves the records of its requests alone")
  func sniffed() throws {
    let world = try world(Shop.configuration(speaks: nil))
    let client = HTTPClient(.http1)
    let link = try #require(world.connect(client))
    _ = try client.ask()
    world.settle()
    link.breakOff()
    world.settle()
    #expect(world.records.count == 1 && world.connections.isEmpty)
  }

  @Test("a connection without a byte for too long ends, and its record says so")
  func idle() throws {
    let world = try world(Shop.configuration(speaks: .tcp) { $0.pool.idleTimeout = 500 })
    let server = Raw()
    world.application = { _ in server }
    let client = Raw("a")
    let link = try #require(world.connect(client))
    world.settle()
    world.pass(milliseconds: 400)
    server.outgoing = [1]
    world.settle()
    world.pass(milliseconds: 400)
    #expect(!link.isGone)
    world.pass(milliseconds: 200)
    #expect(link.isGone && client.isOver)
    guard case .failed(let words, _) = world.connections.first?.outcome else { return #expect(Bool(false)) }
    #expect(words == "no byte passed for 500 ms")
  }
}
