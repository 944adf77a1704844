import RequestProxying
import Synchronization

/// Records of requests on their way from the workers to the log: bounded, so that a log that is not read
/// never slows a request.
public final class RequestRecords: Sendable {
  /// Records that may wait; more are counted and forgotten.
  public static let capacity = 16_384

  private struct State {
    var records: [RequestRecord] = []
    var dropped = 0
  }

  private let state = Mutex(State())

  public init() {}

  func append(_ record: RequestRecord) {
    state.withLock { state in
      if state.records.count < Self.capacity { state.records.append(record) } else { state.dropped += 1 }
    }
  }

  /// What has come since the last time, and how many records had no room.
  func drain() -> (records: [RequestRecord], dropped: Int) {
    state.withLock { state in
      defer { state = State() }
      return (state.records, state.dropped)
    }
  }
}
