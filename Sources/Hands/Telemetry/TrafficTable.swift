import Bytes
import MeshModel
import Synchronization

/// The standard TCP metrics, by their labels.
final class TrafficTable: Sendable {
  struct Totals: Summable {
    var opened: UInt64 = 0
    var closed: UInt64 = 0
    var failed: UInt64 = 0
    var sent: UInt64 = 0
    var received: UInt64 = 0

    mutating func add(_ other: Totals) {
      opened += other.opened
      closed += other.closed
      failed += other.failed
      sent &+= other.sent
      received &+= other.received
    }
  }

  /// Series of each family; with all labels a series takes about 4 KiB of the page.
  static let usualLimit = 2_000

  private let state: Mutex<TotalsTable<TrafficKey, Totals>>

  init(limit: Int = usualLimit) { state = Mutex(TotalsTable(limit: limit, other: .other)) }

  func count(_ record: ConnectionRecord, _ overrides: MetricOverrides? = nil) {
    let flag = Self.flag(of: record)
    let key = TrafficKey(record, flag: flag ?? .none, overrides: overrides)
    state.withLock { table in
      table.update(key, from: Totals()) { totals in
        totals.sent &+= record.bytesSent &- record.toldSent
        totals.received &+= record.bytesReceived &- record.toldReceived
        switch record.phase {
        case .opened: totals.opened += 1
        case .underway: break
        case .ended:
          totals.opened += flag == nil && !record.isTold ? 1 : 0
          totals.closed += flag == nil ? 1 : 0
          totals.failed += flag == nil ? 0 : 1
        }
      }
    }
  }

  /// Why it never came to be; nil for a connection that did, whatever ended it.
  private static func flag(of record: ConnectionRecord) -> TrafficKey.Flag? {
    guard record.phase == .ended, !record.isOpened else { return nil }
    switch record.outcome {
    case .complete: return nil
    case .refused(.certificateExpired, _), .refused(.certificateUntrusted, _): return .tls
    case .refused(let reason, _): return reason.isOfPolicy || reason == .reservedPort ? .denied : .connect
    case .failed(_, let fault):
      if record.bytesSent > 0 || record.bytesReceived > 0 { return nil }
      return switch fault {
      case .connect: .connect
      case .tls: .tls
      case .http2: .http2
      }
    }
  }

  /// Forgets series of workloads that are gone.
  func sweep(_ presence: Presence, at now: Instant) {
    state.withLock { table in
      table.sweep(at: now) {
        presence.has($0.source) && presence.has($0.destination) && presence.has($0.service)
      }
    }
  }

  func write(into text: inout MetricsText) {
    let (totals, table) = state.withLock { ($0.read(), $0) }
    let families = FamilyRows(totals)
    func family(
      _ name: String, _ metric: MetricOverrides.Metric?, _ help: String, _ value: (Totals) -> UInt64
    ) {
      text.begin(name, .counter, help: help)
      for row in families.rows(of: metric) where value(row.totals) > 0 {
        text.sample(value(row.totals), written: row.labels)
      }
    }
    family("istio_tcp_connections_opened_total", .openedConnections, "Connections opened.", \.opened)
    family("istio_tcp_connections_closed_total", .closedConnections, "Connections closed.", \.closed)
    family(
      "istio_tcp_connections_failed_total", nil, "Connections refused, or that could not be opened.",
      \.failed)
    family(
      "istio_tcp_sent_bytes_total", .sentBytes, "Application bytes from the reporter's side to its peer.",
      \.sent)
    family(
      "istio_tcp_received_bytes_total", .receivedBytes, "Application bytes from the peer to the reporter.",
      \.received)
    table.write(into: &text, as: "apus_traffic_series", of: "Records of connections")
  }
}
