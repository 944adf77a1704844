public import MeshModel
import Synchronization

/// The limits of one destination (`connectionPool`): who finds no place is refused at once. One breaker
/// serves all workers, so that a limit of 100 is 100 however many there are; it holds no lock.
public final class CircuitBreaker: Sendable {
  /// What is counted.
  public enum Limit: String, Hashable, Sendable, CaseIterable {
    case connections = "maxConnections"
    /// Requests that wait for a connection.
    case pendingRequests = "http1MaxPendingRequests"
    /// Requests under way.
    case requests = "http2MaxRequests"
    /// Retries under way, those that pause included.
    case retries = "maxRetries"
  }

  /// There was no place.
  public struct Overflow: Error, Hashable, Sendable, CustomStringConvertible {
    public let limit: Limit
    public let allowed: Int

    public var flag: ResponseFlag { .upstreamOverflow }
    /// For the record: `http1MaxPendingRequests of 100 reached`.
    public var description: String { "\(limit.rawValue) of \(allowed) reached" }
  }

  private let connections = Gauge()
  private let pendingRequests = Gauge()
  private let requests = Gauge()
  private let retries = Gauge()

  public init(_ pool: ConnectionPool = ConnectionPool()) { adopt(pool) }

  /// The limits are these from now on. Places taken stay taken, also beyond a lower limit.
  public func adopt(_ pool: ConnectionPool) {
    connections.allow(pool.maxConnections)
    pendingRequests.allow(pool.maxPendingRequests)
    requests.allow(pool.maxRequests)
    retries.allow(pool.maxRetries)
  }

  /// A place, held until it is dropped.
  public func admit(_ limit: Limit) throws(Overflow) -> Place {
    let gauge = gauge(limit)
    let allowed = gauge.limit.load(ordering: .relaxed)
    var used = gauge.used.load(ordering: .relaxed)
    while used < allowed {
      let (exchanged, original) = gauge.used.weakCompareExchange(
        expected: used, desired: used + 1, ordering: .acquiringAndReleasing)
      if exchanged { return Place(gauge) }
      used = original
    }
    gauge.refused.wrappingAdd(1, ordering: .relaxed)
    throw Overflow(limit: limit, allowed: allowed)
  }

  /// Places taken now, and those asked for in vain since the start.
  public func figures(_ limit: Limit) -> (used: Int, refused: Int) {
    let gauge = gauge(limit)
    return (gauge.used.load(ordering: .relaxed), gauge.refused.load(ordering: .relaxed))
  }

  private func gauge(_ limit: Limit) -> Gauge {
    switch limit {
    case .connections: connections
    case .pendingRequests: pendingRequests
    case .requests: requests
    case .retries: retries
    }
  }
}

/// One thing that counts against a limit of a `CircuitBreaker`, for as long as this lives.
public struct Place: ~Copyable, Sendable {
  private let gauge: Gauge

  fileprivate init(_ gauge: Gauge) { self.gauge = gauge }

  deinit { gauge.used.wrappingSubtract(1, ordering: .acquiringAndReleasing) }
}

private final class Gauge: Sendable {
  let used = Atomic<Int>(0)
  let limit = Atomic<Int>(Int.max)
  let refused = Atomic<Int>(0)

  func allow(_ count: Int?) { limit.store(max(count ?? Int.max, 0), ordering: .relaxed) }
}
