public import HTTPExchange
import Resilience

/// What one worker has counted since its start that no record tells.
public struct RequestCounters: Hashable, Sendable {
  /// Endpoints taken out of the choice, and how often a limit on that forbade it.
  public internal(set) var ejections: UInt64 = 0
  public internal(set) var ejectionsForgone: UInt64 = 0
  /// Requests and connections judged again because policy had changed, and those that it ended.
  public internal(set) var judgedAgain: UInt64 = 0
  public internal(set) var endedByPolicy: UInt64 = 0
  /// Connections that were ended for what their clients did or did not do, and single requests.
  public internal(set) var connectionsEnded: [ConnectionEnd: UInt64] = [:]
  public internal(set) var requestsEnded: [ConnectionEnd: UInt64] = [:]

  init() {}

  mutating func note(_ now: (made: Int, forgone: Int), since before: (made: Int, forgone: Int)) {
    ejections += UInt64(max(now.made - before.made, 0))
    ejectionsForgone += UInt64(max(now.forgone - before.forgone, 0))
  }
}

/// What one worker holds at one moment, besides.
public struct RequestFigures: Hashable, Sendable {
  public var counters = RequestCounters()
  /// Of clients.
  public var connections = 0
  /// Requests under way, and those of them that wait for a connection to an endpoint.
  public var requests = 0
  public var pending = 0
  /// Connections that are relayed byte by byte.
  public var relays = 0
  /// Endpoints that are left out now because they fail.
  public var ejected = 0
  /// Bytes that wait for clients or for endpoints.
  public var held = 0

  public init() {}

  public mutating func add(_ other: RequestFigures) {
    counters.ejections += other.counters.ejections
    counters.ejectionsForgone += other.counters.ejectionsForgone
    counters.judgedAgain += other.counters.judgedAgain
    counters.endedByPolicy += other.counters.endedByPolicy
    counters.connectionsEnded.merge(other.counters.connectionsEnded, uniquingKeysWith: +)
    counters.requestsEnded.merge(other.counters.requestsEnded, uniquingKeysWith: +)
    held += other.held
    connections += other.connections
    requests += other.requests
    pending += other.pending
    relays += other.relays
    ejected += other.ejected
  }
}

extension RequestProxy {
  /// Takes time in proportion to what is under way: for the page of metrics.
  public var figures: RequestFigures {
    var figures = RequestFigures()
    figures.counters = counters
    figures.held = held
    for downstream in live { downstream.add(to: &figures) }
    for destination in knownDestinations { figures.ejected += destination.balancer.counts.ejected }
    return figures
  }
}

extension Downstream {
  func add(to figures: inout RequestFigures) {
    figures.connections += 1
    figures.relays += isRelaying ? 1 : 0
    for exchange in underWay {
      figures.requests += 1
      figures.pending += exchange.isPending ? 1 : 0
    }
  }
}
