import MeshModel
import Reactor
import Testing

@testable import Proxying

@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct TellingTests {
  /// Connects, asks and is answered, and goes.
  private func ask(_ pods: TwoPods, _ bytes: [UInt8] = [1]) async throws {
    let client = try await pods.dial()
    try await client.send(bytes)
    let (server, _) = try await pods.accept()
    var left = bytes.count
    while left > 0 { left -= try await server.receive().count }
    try await server.send([2])
    #expect(try await client.receive() == [2])
    client.close()
    server.close()
  }

  @Test func aConnectionIsToldWhenItOpensAndPieceByPieceAndAdded() async throws {
    let pods = try await TwoPods()
    let size = 5 * Int(Journal.piece)
    try await ask(pods, [UInt8](repeating: 7, count: size))
    var seen: [ConnectionRecord] = []
    while seen.count(where: { $0.phase == .ended }) < 2 {
      try await pods.records.waitForOne(on: pods.thread)
      seen += pods.records.drain().records
    }
    for direction in [ConnectionRecord.Direction.outbound, .inbound] {
      let told = seen.filter { $0.direction == direction }
      #expect(told.first?.phase == .opened && told.last?.phase == .ended && told.last?.isTold == true)
      #expect(told.count { $0.phase == .opened } == 1)
      let pieces = told.count { $0.phase == .underway }
      #expect((1...5).contains(pieces), "\(pieces)")
      let sent = told.reduce(0) { $0 + $1.bytesSent - $1.toldSent }
      let received = told.reduce(0) { $0 + $1.bytesReceived - $1.toldReceived }
      #expect((direction == .outbound ? sent : received) == UInt64(size))
      #expect((direction == .outbound ? received : sent) == 1)
    }
  }

  @Test func whatNeverOpenedIsToldOnce() async throws {
    let pods = try await TwoPods()
    pods.publish(endpoints: [], port: 1)
    let client = try await pods.dial()
    _ = try? await client.receive()
    try await pods.records.waitForOne(on: pods.thread)
    let records = pods.records.drain().records
    #expect(records.count == 1 && records[0].phase == .ended && !records[0].isTold && !records[0].isOpened)
  }

  @Test func aShortConnectionIsToldOnce() async throws {
    let pods = try await TwoPods()
    try await ask(pods)
    var seen: [ConnectionRecord] = []
    while seen.count(where: { $0.phase == .ended }) < 2 {
      try await pods.records.waitForOne(on: pods.thread)
      seen += pods.records.drain().records
    }
    // Nobody can say how long it took here: a slow machine tells the opening apart.
    for record in seen where record.phase == .ended {
      let earlier = seen.filter { $0.direction == record.direction && $0.phase == .opened }
      #expect(record.isOpened && record.isTold == !earlier.isEmpty)
    }
  }

  @Test func aLivingConnectionIsToldWithoutBytes() async throws {
    let pods = try await TwoPods()
    let client = try await pods.dial()
    let (server, _) = try await pods.accept()
    var seen: [ConnectionRecord] = []
    while seen.count(where: { $0.phase == .opened }) < 2 {
      try await pods.records.waitForOne(on: pods.thread)
      seen += pods.records.drain().records
    }
    #expect(seen.allSatisfy { $0.phase == .opened && $0.isOpened })
    client.close()
    server.close()
  }

  @Test func bothEndsTellOfOneTraceAndOfTheNetwork() async throws {
    let pods = try await TwoPods(keepsTraces: true)
    pods.trace("a", client: 1_000_000, server: 0)
    // The callee never begins a trace by itself, and follows the caller.
    pods.trace("b", client: 0, server: 0)
    try await ask(pods)
    let outbound = try #require(try await pods.record { $0.direction == .outbound }.trace)
    try await ask(pods)
    let record = try await pods.record { $0.direction == .inbound }
    let inbound = try #require(record.trace)
    #expect(outbound.parent == 0 && outbound.span != 0 && inbound.parent != 0 && inbound.span != 0)
    #expect(inbound.span != inbound.parent && record.end > 0)
    #expect(try #require(record.network).roundTrip > 0)
  }

  /// It once ended the process: whoever came in plain text could do that to an agent that keeps traces.
  @Test func aKeptConnectionInPlaintextIsToldOfToo() async throws {
    let pods = try await TwoPods(keepsTraces: true)
    pods.trace("a", client: 1_000_000, server: 0)
    pods.publish(endpoints: [pods.serverAddress], tunnelProtocol: .none)
    try await ask(pods)
    let record = try await pods.record { $0.direction == .outbound }
    #expect(record.trace != nil && !record.isMutualTLS && record.network != nil)
  }

  @Test func whoIsAskedHasTheCallersSpanAsItsParent() async throws {
    let pods = try await TwoPods(keepsTraces: true)
    pods.trace("a", client: 1_000_000, server: 0)
    try await ask(pods)
    var seen: [ConnectionRecord] = []
    while seen.count < 2 {
      try await pods.records.waitForOne(on: pods.thread)
      seen += pods.records.drain().records.filter { $0.phase == .ended }
    }
    let outbound = try #require(seen.first { $0.direction == .outbound }?.trace)
    let inbound = try #require(seen.first { $0.direction == .inbound }?.trace)
    #expect(inbound.traceHigh == outbound.traceHigh && inbound.traceLow == outbound.traceLow)
    #expect(inbound.parent == outbound.span)
  }

  @Test func nothingIsTracedWhereNobodyAsksOrNobodyKeeps() async throws {
    let pods = try await TwoPods(keepsTraces: true)
    pods.trace("a", client: 0, server: 1_000_000)
    pods.trace("b", client: 1_000_000, server: 1_000_000)
    try await ask(pods)
    // The caller has decided, and the callee follows.
    #expect(try await pods.record { $0.direction == .inbound }.trace == nil)
    let others = try await TwoPods()
    others.trace("a", client: 1_000_000, server: 1_000_000)
    try await ask(others)
    #expect(try await others.record { $0.direction == .outbound }.trace == nil)
  }
}
