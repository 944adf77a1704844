public import Bytes
import Logging
public import MeshModel
import Synchronization

/// Where request records end: as access lines (scope `access`) and in the standard metrics. Never on a
/// worker's thread.
public final class RequestSink: Sendable {
  private let rules: PreparedRules
  /// Nil: nobody keeps traces.
  private let exporter: SpanExporter?
  private let log: LogOutput
  private let line: RequestLine
  private let table: RequestTable
  private let dropped: Gauge
  private let refused: Counter
  private let tokens: Counter
  private let overflows: Counter
  private let retries: Counter
  private let denied: Counter
  private let mirrors: Counter
  private let unread: Counter

  /// Registers the metrics; once a registry. `limit`: combinations of labels. `showsQueries`: paths are
  /// written with their query, which may hold secrets.
  public init(
    log: LogOutput, registry: MetricRegistry, rules: PreparedRules = PreparedRules(),
    exporter: SpanExporter? = nil, limit: Int? = nil, showsQueries: Bool = false
  ) {
    self.exporter = exporter
    self.log = log
    self.rules = rules
    line = RequestLine(showsQueries: showsQueries)
    let table = RequestTable(limit: limit ?? RequestTable.usualLimit)
    self.table = table
    registry.add { table.write(into: &$0) }
    dropped = registry.gauge(
      "apus_request_records_dropped",
      help: "Request records lost since the start because telemetry was too slow.")
    refused = registry.counter(
      "apus_requests_refused_total", help: "Requests that policy or an endpoint's agent refused, by reason.",
      labels: ["reason"])
    tokens = registry.counter(
      "apus_tokens_refused_total", help: "Requests whose token was not believed, by reason.",
      labels: ["reason"])
    overflows = registry.counter(
      "apus_breaker_overflows_total", help: "Requests or retries without a place, by the breaker's limit.",
      labels: ["limit"])
    retries = registry.counter("apus_retries_total", help: "Requests sent again, each time.")
    denied = registry.counter(
      "apus_retries_denied_total", help: "Requests not tried again (any more), by reason.",
      labels: ["reason"])
    mirrors = registry.counter(
      "apus_mirrors_total", help: "Copies of requests: answered, dropped here, or failed there.",
      labels: ["outcome"])
    unread = registry.counter(
      "apus_unread_requests_total",
      help: "What could not be read as a request, or met a limit, by the status it was answered.",
      labels: ["status"])
  }

  /// Takes what the workers have left. `dropped`: since the start.
  public func take(_ records: [RequestRecord], dropped: UInt64) {
    self.dropped.set(Double(dropped))
    guard !records.isEmpty else { return }
    let tellings = records.map { rules.telling(of: $0) }
    table.count(zip(records, tellings).map { ($0, $1.metrics) })
    let lowest = log.levels.level(of: RecordSink.scope)
    for (record, telling) in zip(records, tellings) {
      count(record)
      exporter?.take(record, telling.trace)
      let level = Self.level(of: record)
      guard level >= lowest, rules.writes(telling.log, record.attribute) else { continue }
      log.write(
        LogLine(
          time: record.start + Int64(clamping: record.duration), level: level, scope: RecordSink.scope,
          message: RequestLine.message(of: record), fields: line.fields(of: record)))
    }
  }

  /// Forgets series of workloads that are gone; to be called about once a minute.
  public func sweep(_ presence: Presence, at now: Instant) { table.sweep(presence, at: now) }

  private func count(_ record: RequestRecord) {
    if record.attempts > 1 { retries.add(UInt64(record.attempts - 1)) }
    if let limit = record.overflow { overflows.add(1, limit) }
    if let why = record.gaveUp { denied.add(1, why) }
    if let fault = record.tokenFault { tokens.add(1, fault) }
    if let refusal = record.refusal { refused.add(1, refusal.description) }
    switch record.kind {
    case .request: break
    case .unread: unread.add(1, "\(record.status)")
    case .mirror:
      mirrors.add(1, record.status > 0 ? "answered" : record.attempts == 0 ? "dropped" : "failed")
    }
  }

  private static func level(of record: RequestRecord) -> Logger.Level {
    if record.reason != nil { return .warning }
    return record.status >= 500 || record.status == 0 ? .error : .info
  }
}
