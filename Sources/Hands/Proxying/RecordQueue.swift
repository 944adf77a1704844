import Bytes
public import MeshModel
public import Reactor
import Synchronization

/// Records on their way from the workers to telemetry. Bounded: a consumer that stops costs records, never
/// traffic.
public final class RecordQueue: Sendable {
  private struct State {
    var records: [ConnectionRecord] = []
    var dropped: UInt64 = 0
  }

  public static let usualLimit = 65_536

  private let state = Mutex(State())
  private let limit: Int
  private let wakeUp: WakeUp

  /// `limit`: with 0 there are no records at all.
  public init(limit: Int = usualLimit) throws(SystemError) {
    self.limit = limit
    wakeUp = try WakeUp()
  }

  /// Nobody wants records: none need be made.
  var isOff: Bool { limit == 0 }

  public func append(_ record: @autoclosure () -> ConnectionRecord) {
    guard !isOff else { return }
    let record = record()
    let isFirst = state.withLock { state in
      if state.records.count < limit { state.records.append(record) } else { state.dropped += 1 }
      return state.records.count == 1
    }
    if isFirst { wakeUp.signal() }
  }

  /// Records are taken together that come within this time: to wake telemetry for each costs more than the
  /// record.
  private static let gathering = Interval.milliseconds(20)

  /// Returns when there is something to drain, and what comes next has had a moment to come too.
  public func waitForOne(on thread: ReactorThread) async throws(SystemError) {
    _ = try await thread.ready(wakeUp.descriptor, for: .readable)
    try await thread.sleep(for: Self.gathering)
    wakeUp.clear()
  }

  /// All records since the last call, and how many had to be dropped since the start.
  public func drain() -> (records: [ConnectionRecord], dropped: UInt64) {
    state.withLock { state in
      defer { state.records = [] }
      return (state.records, state.dropped)
    }
  }
}
