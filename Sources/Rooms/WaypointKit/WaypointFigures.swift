import HTTPExchange
import RequestProxying
import Synchronization
import Telemetry

/// Counts what happens on any thread.
final class Tally: Sendable {
  private let count = Atomic<UInt64>(0)

  func add() { count.add(1, ordering: .relaxed) }
  var value: UInt64 { count.load(ordering: .relaxed) }
}

/// What a waypoint's page of metrics says besides what records tell: the workers are asked for it when the
/// page is.
final class WaypointFigures: Sendable {
  private let last = Mutex(RequestFigures())
  private let keyFailures: Tally

  /// Registers the metrics; once a registry.
  init(in registry: MetricRegistry, keyFailures: Tally) {
    self.keyFailures = keyFailures
    registry.add { [self] in write(into: &$0) }
  }

  func set(_ figures: RequestFigures) { last.withLock { $0 = figures } }

  private func write(into text: inout MetricsText) {
    let figures = last.withLock { $0 }
    text.begin("apus_waypoint_connections", .gauge, help: "Connections of clients, by what they carry.")
    text.sample(UInt64(figures.connections - figures.relays), [("carry", "http")])
    text.sample(UInt64(figures.relays), [("carry", "tcp")])
    text.begin("apus_waypoint_requests", .gauge, help: "Requests under way.")
    text.sample(UInt64(figures.requests))
    text.begin(
      "apus_waypoint_requests_pending", .gauge, help: "Requests that wait for a connection to an endpoint.")
    text.sample(UInt64(figures.pending))
    text.begin("apus_endpoints_ejected", .gauge, help: "Endpoints left out because they fail.")
    text.sample(UInt64(figures.ejected))
    text.begin("apus_ejections_total", .counter, help: "Endpoints taken out because they failed.")
    text.sample(figures.counters.ejections)
    text.begin(
      "apus_ejections_forgone_total", .counter,
      help: "Endpoints that failed and stayed, because a limit forbade to take out more.")
    text.sample(figures.counters.ejectionsForgone)
    text.begin(
      "apus_judged_again_total", .counter,
      help: "Requests and connections under way that were judged again because policy had changed.")
    text.sample(figures.counters.judgedAgain)
    text.begin("apus_ended_by_policy_total", .counter, help: "Those of them that a changed policy ended.")
    text.sample(figures.counters.endedByPolicy)
    text.begin(
      "apus_connections_ended_total", .counter,
      help: "Connections ended for what their clients did or did not do.")
    for end in ConnectionEnd.allCases {
      text.sample(figures.counters.connectionsEnded[end] ?? 0, [("reason", end.rawValue)])
    }
    text.begin(
      "apus_requests_ended_total", .counter,
      help: "Requests ended because their clients kept them waiting, by what they waited for.")
    for end in ConnectionEnd.ofRequests {
      text.sample(figures.counters.requestsEnded[end] ?? 0, [("reason", end.rawValue)])
    }
    text.begin(
      "apus_waypoint_held_bytes", .gauge, help: "Bytes of bodies that wait for clients or for endpoints.")
    text.sample(UInt64(max(figures.held, 0)))
    text.begin("apus_key_fetch_failures_total", .counter, help: "Fetches of issuers' keys that failed.")
    text.sample(keyFailures.value)
  }
}
