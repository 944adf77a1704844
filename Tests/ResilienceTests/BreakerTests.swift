import MeshModel
import Testing

@testable import Resilience

@Suite struct BreakerTests {
  private func breaker(_ limit: CircuitBreaker.Limit, _ count: Int) -> CircuitBreaker {
    var pool = ConnectionPool()
    switch limit {
    case .connections: pool.maxConnections = count
    case .pendingRequests: pool.maxPendingRequests = count
    case .requests: pool.maxRequests = count
    case .retries: pool.maxRetries = count
    }
    return CircuitBreaker(pool)
  }

  private final class Taken: Sendable {
    private let place: Place
    init(_ place: consuming Place) { self.place = place }
  }

  private func take(_ breaker: CircuitBreaker, _ limit: CircuitBreaker.Limit) throws -> Taken {
    Taken(try breaker.admit(limit))
  }

  /// Story of the seed: 100 may wait, the next is refused at once; as one leaves, another may come.
  @Test(arguments: CircuitBreaker.Limit.allCases) func theHundredAndFirstIsRefused(
    _ limit: CircuitBreaker.Limit
  ) throws {
    let breaker = breaker(limit, 100)
    var waiting = try (0..<100).map { _ in try take(breaker, limit) }
    #expect(throws: CircuitBreaker.Overflow(limit: limit, allowed: 100)) { try take(breaker, limit) }
    #expect(breaker.figures(limit) == (100, 1))
    waiting.removeLast()
    waiting.append(try take(breaker, limit))
    #expect(throws: CircuitBreaker.Overflow.self) { try take(breaker, limit) }
    waiting = []
    #expect(breaker.figures(limit) == (0, 2))
    for other in CircuitBreaker.Limit.allCases where other != limit {
      #expect(breaker.figures(other) == (0, 0))
    }
  }

  @Test func theRefusalSaysWhichLimit() {
    let overflow = CircuitBreaker.Overflow(limit: .pendingRequests, allowed: 100)
    #expect(overflow.description == "http1MaxPendingRequests of 100 reached")
    #expect(overflow.flag.rawValue == "UO")
  }

  @Test func withoutLimitsEverythingIsAdmitted() throws {
    let breaker = CircuitBreaker()
    let taken = try (0..<5_000).map { _ in try take(breaker, .requests) }
    #expect(breaker.figures(.requests) == (taken.count, 0))
  }

  @Test func aLowerLimitLeavesWhatWasTaken() throws {
    let breaker = breaker(.connections, 3)
    var taken = try (0..<3).map { _ in try take(breaker, .connections) }
    var pool = ConnectionPool()
    pool.maxConnections = 1
    breaker.adopt(pool)
    taken.removeLast()
    #expect(throws: CircuitBreaker.Overflow.self) { try take(breaker, .connections) }
    taken = []
    taken.append(try take(breaker, .connections))
    #expect(breaker.figures(.connections).used == 1)
  }

  @Test func zeroAdmitsNobody() {
    let breaker = breaker(.retries, 0)
    #expect(throws: CircuitBreaker.Overflow(limit: .retries, allowed: 0)) { try take(breaker, .retries) }
  }

  /// Workers share a breaker: never more than the limit at once, and nothing is lost.
  @Test func severalThreadsShareTheLimit() async {
    let breaker = breaker(.requests, 3)
    let most = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var most = 0
          for _ in 0..<20_000 {
            if let place = try? Taken(breaker.admit(.requests)) {
              most = max(most, breaker.figures(.requests).used)
              withExtendedLifetime(place) {}
            }
          }
          return most
        }
      }
      return await group.reduce(0, max)
    }
    #expect((1...3).contains(most))
    #expect(breaker.figures(.requests).used == 0)
  }
}
