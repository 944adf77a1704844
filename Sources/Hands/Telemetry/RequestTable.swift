import Bytes
import MeshModel
import Synchronization

/// The standard HTTP metrics, by their labels.
final class RequestTable: Sendable {
  struct Totals: Summable {
    var requests: UInt64 = 0
    var durations = Histogram(Histogram.milliseconds)
    var requestBytes = Histogram(Histogram.bytes)
    var responseBytes = Histogram(Histogram.bytes)
    var requestMessages: UInt64 = 0
    var responseMessages: UInt64 = 0

    mutating func add(_ other: Totals) {
      requests += other.requests
      durations.add(other.durations)
      requestBytes.add(other.requestBytes)
      responseBytes.add(other.responseBytes)
      requestMessages += other.requestMessages
      responseMessages += other.responseMessages
    }
  }

  /// Combinations of label values; each takes about 35 KiB of the page, with its three histograms.
  static let usualLimit = 500

  private let state: Mutex<TotalsTable<RequestKey, Totals>>

  init(limit: Int = usualLimit) { state = Mutex(TotalsTable(limit: limit, other: .other)) }

  /// Each with what changes its metrics.
  func count(_ records: [(record: RequestRecord, overrides: MetricOverrides?)]) {
    state.withLock { table in
      for (record, overrides) in records where record.kind != .mirror {
        table.update(RequestKey(record, overrides: overrides), from: Totals()) { Self.count(record, &$0) }
      }
    }
  }

  /// Forgets series of workloads that are gone.
  func sweep(_ presence: Presence, at now: Instant) {
    state.withLock { table in
      table.sweep(at: now) { key in
        presence.has(TrafficKey.Party(key.source.party)) && presence.has(key.service)
          && presence.has(TrafficKey.Party(key.destination.party))
      }
    }
  }

  private static func count(_ record: RequestRecord, _ totals: inout Totals) {
    totals.requests += 1
    totals.durations.add(Double(record.duration) / 1_000_000)
    totals.requestBytes.add(Double(record.bytesReceived))
    totals.responseBytes.add(Double(record.bytesSent))
    totals.requestMessages += record.messagesReceived
    totals.responseMessages += record.messagesSent
  }

  func write(into text: inout MetricsText) {
    let (totals, table) = state.withLock { ($0.read(), $0) }
    let families = FamilyRows(totals)
    if !totals.isEmpty {
      text.begin("istio_requests_total", .counter, help: "Requests.")
      for row in families.rows(of: .requestCount) { text.sample(row.totals.requests, written: row.labels) }
      text.begin(
        "istio_request_duration_milliseconds", .histogram,
        help: "From the head of the request to the end of the response.")
      for row in families.rows(of: .requestDuration) {
        text.histogram(row.totals.durations, written: row.labels)
      }
      text.begin("istio_request_bytes", .histogram, help: "Bodies of requests.")
      for row in families.rows(of: .requestSize) {
        text.histogram(row.totals.requestBytes, written: row.labels)
      }
      text.begin("istio_response_bytes", .histogram, help: "Bodies of responses.")
      for row in families.rows(of: .responseSize) {
        text.histogram(row.totals.responseBytes, written: row.labels)
      }
    }
    let calls = totals.filter(\.key.isGRPC)
    if !calls.isEmpty {
      let families = FamilyRows(calls)
      text.begin("istio_request_messages_total", .counter, help: "gRPC messages of clients.")
      for row in families.rows(of: .requestMessages) {
        text.sample(row.totals.requestMessages, written: row.labels)
      }
      text.begin("istio_response_messages_total", .counter, help: "gRPC messages of applications.")
      for row in families.rows(of: .responseMessages) {
        text.sample(row.totals.responseMessages, written: row.labels)
      }
    }
    table.write(into: &text, as: "apus_request_series", of: "Requests")
  }
}
