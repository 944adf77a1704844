import MeshModel
import Synchronization

/// The standard HTTP metrics, by their labels. Bounded: beyond the limit everything goes to one series, so
/// that sums stay true.
final class RequestTable: Sendable {
  private struct Totals {
    var requests: UInt64 = 0
    var durations = Histogram(Histogram.milliseconds)
    var requestBytes = Histogram(Histogram.bytes)
    var responseBytes = Histogram(Histogram.bytes)
    var requestMessages: UInt64 = 0
    var responseMessages: UInt64 = 0
  }

  private struct State {
    var totals: [RequestKey: Totals] = [:]
    var overflowed: UInt64 = 0
  }

  /// Combinations of label values; each takes about 35 KiB of the page, with its three histograms.
  static let usualLimit = 500

  private let limit: Int
  private let state = Mutex(State())

  init(limit: Int = usualLimit) { self.limit = limit }

  func count(_ records: [RequestRecord]) {
    state.withLock { state in
      for record in records where record.kind != .mirror {
        var key = RequestKey(record)
        if state.totals[key] == nil, state.totals.count >= limit {
          state.overflowed += 1
          key = .other
        }
        Self.count(record, &state.totals[key, default: Totals()])
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
    let (totals, overflowed) = state.withLock { ($0.totals, $0.overflowed) }
    let rows = totals.map { (labels: MetricsText.labels($0.key.labels), key: $0.key, totals: $0.value) }
      .sorted { $0.labels < $1.labels }
    if !rows.isEmpty {
      text.begin("istio_requests_total", .counter, help: "Requests.")
      for row in rows { text.sample(row.totals.requests, written: row.labels) }
      text.begin(
        "istio_request_duration_milliseconds", .histogram,
        help: "From the head of the request to the end of the response.")
      for row in rows { text.histogram(row.totals.durations, written: row.labels) }
      text.begin("istio_request_bytes", .histogram, help: "Bodies of requests.")
      for row in rows { text.histogram(row.totals.requestBytes, written: row.labels) }
      text.begin("istio_response_bytes", .histogram, help: "Bodies of responses.")
      for row in rows { text.histogram(row.totals.responseBytes, written: row.labels) }
    }
    let calls = rows.filter(\.key.isGRPC)
    if !calls.isEmpty {
      text.begin("istio_request_messages_total", .counter, help: "gRPC messages of clients.")
      for row in calls { text.sample(row.totals.requestMessages, written: row.labels) }
      text.begin("istio_response_messages_total", .counter, help: "gRPC messages of applications.")
      for row in calls { text.sample(row.totals.responseMessages, written: row.labels) }
    }
    text.begin(
      "apus_request_series_overflow_total", .counter,
      help: "Requests counted under `other`, because there were too many combinations of labels.")
    text.sample(overflowed)
  }
}
