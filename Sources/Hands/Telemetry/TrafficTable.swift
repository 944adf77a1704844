import MeshModel
import Synchronization

/// The standard TCP metrics, by their labels. Bounded: beyond the limit everything goes to one series, so
/// that sums stay true.
final class TrafficTable: Sendable {
  private struct Totals {
    var opened: UInt64 = 0
    var closed: UInt64 = 0
    var failed: UInt64 = 0
    var sent: UInt64 = 0
    var received: UInt64 = 0
  }

  private struct State {
    var totals: [TrafficKey: Totals] = [:]
    var overflowed: UInt64 = 0
  }

  /// Series of each family; with all labels a series takes about 4 KiB of the page.
  static let usualLimit = 2_000

  private let limit: Int
  private let state = Mutex(State())

  init(limit: Int = usualLimit) { self.limit = limit }

  func count(_ record: ConnectionRecord) {
    let wasOpen: Bool
    let flag: TrafficKey.Flag
    switch record.outcome {
    case .complete: (wasOpen, flag) = (true, .none)
    case .refused(let reason, _):
      (wasOpen, flag) = (false, reason.isOfPolicy || reason == .reservedPort ? .denied : .connect)
    case .failed:
      wasOpen = record.bytesSent > 0 || record.bytesReceived > 0
      flag = wasOpen ? .none : .connect
    }
    let key = TrafficKey(record, flag: flag)
    state.withLock { state in
      let isRoom = state.totals[key] != nil || state.totals.count < limit
      if !isRoom { state.overflowed += 1 }
      var totals = state.totals[isRoom ? key : .other] ?? Totals()
      totals.opened += wasOpen ? 1 : 0
      totals.closed += wasOpen ? 1 : 0
      totals.failed += wasOpen ? 0 : 1
      totals.sent &+= record.bytesSent
      totals.received &+= record.bytesReceived
      state.totals[isRoom ? key : .other] = totals
    }
  }

  func write(into text: inout MetricsText) {
    let (totals, overflowed) = state.withLock { ($0.totals, $0.overflowed) }
    let rows = totals.map { (labels: $0.key.labels, totals: $0.value) }
    func family(_ name: String, _ help: String, _ value: (Totals) -> UInt64) {
      text.begin(name, .counter, help: help)
      for row in rows where value(row.totals) > 0 { text.sample(value(row.totals), row.labels) }
    }
    family("istio_tcp_connections_opened_total", "Connections opened.", \.opened)
    family("istio_tcp_connections_closed_total", "Connections closed.", \.closed)
    family(
      "istio_tcp_connections_failed_total", "Connections refused, or that could not be opened.", \.failed)
    family("istio_tcp_sent_bytes_total", "Application bytes from the reporter's side to its peer.", \.sent)
    family("istio_tcp_received_bytes_total", "Application bytes from the peer to the reporter.", \.received)
    text.begin(
      "apus_traffic_series_overflow_total", .counter,
      help: "Connections counted under `other`, because there were too many combinations of labels.")
    text.sample(overflowed)
  }
}
