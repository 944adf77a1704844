import Logging
public import MeshModel
import Reactor

/// Where connection records end: as access lines (scope `access`) and in the standard TCP metrics.
public final class RecordSink: Sendable {
  /// The scope of access lines, to set their level by.
  public static let scope = "access"

  private let log: LogOutput
  private let table: TrafficTable
  private let dropped: Gauge

  /// Registers the metrics; once a registry. `limit`: series of each family.
  public init(log: LogOutput, registry: MetricRegistry, limit: Int? = nil) {
    self.log = log
    let table = TrafficTable(limit: limit ?? TrafficTable.usualLimit)
    self.table = table
    registry.add { table.write(into: &$0) }
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
      table.count(record)
      let level = Self.level(of: record)
      guard level >= lowest else { continue }
      log.write(
        LogLine(
          time: now, level: level, scope: Self.scope, message: AccessLine.message(of: record),
          fields: AccessLine.fields(of: record)))
    }
  }

  private static func level(of record: ConnectionRecord) -> Logger.Level {
    switch record.outcome {
    case .complete: .info
    case .refused: .warning
    case .failed: .error
    }
  }
}
