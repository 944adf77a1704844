public import Bytes
import Logging
public import MeshModel
import Reactor

/// Where connection records end: as access lines (scope `access`), in the standard TCP metrics and in the
/// flow history.
public final class RecordSink: Sendable {
  /// The scope of access lines, to set their level by.
  public static let scope = "access"

  public let flows = FlowHistory(now: Clock.wall())
  /// By which rules lines are written and metrics kept.
  public let rules: PreparedRules
  /// Nil: nobody keeps traces.
  private let exporter: SpanExporter?
  private let log: LogOutput
  private let table: TrafficTable
  private let dropped: Gauge
  private let audits: Counter
  private let dryRuns: Counter

  /// Registers the metrics; once a registry. `limit`: series of each family.
  public init(
    log: LogOutput, registry: MetricRegistry, rules: PreparedRules = PreparedRules(),
    exporter: SpanExporter? = nil, limit: Int? = nil
  ) {
    self.exporter = exporter
    self.log = log
    self.rules = rules
    let table = TrafficTable(limit: limit ?? TrafficTable.usualLimit)
    self.table = table
    registry.add { table.write(into: &$0) }
    audits = registry.counter(
      "apus_policy_audits_total", help: "Inbound connections that an AUDIT policy matches.",
      labels: ["policy"])
    dryRuns = registry.counter(
      "apus_policy_dry_runs_total",
      help: "Inbound connections of which a policy in a dry run has something to say, by what it would do.",
      labels: ["verdict"])
    registry.add { [flows] in flows.write(into: &$0) }
    dropped = registry.gauge(
      "apus_records_dropped", help: "Connection records lost since the start because telemetry was too slow.")
  }

  /// Takes what the workers have left: `RecordQueue.drain`. Never on a worker's thread.
  public func take(_ records: [ConnectionRecord], dropped: UInt64) {
    self.dropped.set(Double(dropped))
    guard !records.isEmpty else { return }
    let lowest = log.levels.level(of: Self.scope)
    let now = Clock.wall()
    for record in records {
      let telling = rules.telling(of: record)
      table.count(record, telling.metrics)
      guard record.phase == .ended else { continue }
      exporter?.take(record, telling.trace)
      flows.note(record, at: now)
      if let remarks = record.remarks {
        for key in remarks.audits { audits.add(1, key) }
        for outcome in remarks.dryRuns { dryRuns.add(1, outcome.description) }
      }
      let level = Self.level(of: record)
      guard level >= lowest, rules.writes(telling.log, record.attribute) else { continue }
      log.write(
        LogLine(
          time: now, level: level, scope: Self.scope, message: AccessLine.message(of: record),
          fields: AccessLine.fields(of: record)))
    }
  }

  /// Forgets series of workloads that are gone; to be called about once a minute.
  public func sweep(_ presence: Presence, at now: Instant) { table.sweep(presence, at: now) }

  private static func level(of record: ConnectionRecord) -> Logger.Level {
    switch record.outcome {
    case .complete: .info
    case .refused: .warning
    case .failed: .error
    }
  }
}
