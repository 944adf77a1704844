import AllocationCount
import Reactor
import Testing

@testable import Proxying

/// How often both ends' workers ask for memory. The thresholds are of a debug build, which asks more often
/// than what is deployed; a change that exceeds one says why, or is mended.
@Suite(
  .serialized, .timeLimit(.minutes(2)),
  .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct AllocationTests {
  /// A request and its answer, 64 bytes each, over a connection that stands.
  static let perRequest = 44.0
  /// A connection with one request, from its opening to its end.
  static let perConnection = 500.0

  /// Of all workers of the process; those of tests that are over ask for nothing.
  private func asked() throws -> Double {
    let workers = try StackSampler.threads().filter { $0.name == "client" || $0.name == "server" }
    #expect(workers.count >= 2)
    return Double(workers.reduce(0) { $0 + apus_allocations_of($1.id) })
  }

  private func echo(_ client: AsyncSocket) async throws {
    try await client.send([UInt8](repeating: 7, count: 64))
    var left = 64
    while left > 0 {
      let got = try await client.receive().count
      guard got > 0 else { throw SystemError.timedOut }
      left -= got
    }
  }

  @Test func requestsOverAConnectionThatStands() async throws {
    let pods = try await TwoPods()
    let echoes = pods.serveEchoes()
    defer { echoes.cancel() }
    let client = try await pods.dial()
    for _ in 0..<100 { try await echo(client) }
    let before = try asked()
    for _ in 0..<1_000 { try await echo(client) }
    let each = try (asked() - before) / 1_000
    #expect(each > 0 && each <= Self.perRequest, "\(each) allocations a request")
    client.close()
  }

  @Test func newConnections() async throws {
    let pods = try await TwoPods()
    let echoes = pods.serveEchoes()
    defer { echoes.cancel() }
    func once() async throws {
      let client = try await pods.dial()
      try await echo(client)
      client.close()
    }
    for _ in 0..<50 { try await once() }
    let before = try asked()
    for _ in 0..<300 { try await once() }
    let each = try (asked() - before) / 300
    #expect(each > 0 && each <= Self.perConnection, "\(each) allocations a connection")
  }
}
