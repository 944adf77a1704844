import MeshModel
import Reactor
import Synchronization

/// Records of requests on their way from the workers to telemetry: one ring for each worker, bounded, so that
/// a log that is not read never slows a request.
final class RequestRecords: Sendable {
  private let rings = Mutex<[Ring]>([])
  private let bell: Bell

  init() throws(SystemError) { bell = Bell(try WakeUp()) }

  /// Shared with the rings.
  fileprivate final class Bell: Sendable {
    let wakeUp: WakeUp
    init(_ wakeUp: consuming WakeUp) { self.wakeUp = wakeUp }
  }

  /// The records of one worker. Whoever drains holds the lock for as long as it takes to exchange two arrays,
  /// so that the worker never waits for more.
  final class Ring: Sendable {
    /// Records that may wait; more are counted and forgotten.
    static let capacity = 16_384

    private struct State {
      var records: [RequestRecord] = []
      var dropped: UInt64 = 0
    }

    private let state = Mutex(State())
    private let bell: Bell

    fileprivate init(_ bell: Bell) { self.bell = bell }

    func append(_ record: RequestRecord) {
      let isFirst = state.withLock { state in
        guard state.records.count < Self.capacity else {
          state.dropped += 1
          return false
        }
        state.records.append(record)
        return state.records.count == 1
      }
      if isFirst { bell.wakeUp.signal() }
    }

    fileprivate func drain() -> (records: [RequestRecord], dropped: UInt64) {
      var records: [RequestRecord] = []
      // As many as last time: the worker need not grow the array under the lock.
      records.reserveCapacity(state.withLock { $0.records.count })
      return state.withLock { state in
        swap(&state.records, &records)
        return (records, state.dropped)
      }
    }
  }

  /// A ring for one more worker.
  func ring() -> Ring {
    let made = Ring(bell)
    rings.withLock { $0.append(made) }
    return made
  }

  /// Returns when there is something to drain.
  func waitForOne(on thread: ReactorThread) async throws(SystemError) {
    _ = try await thread.ready(bell.wakeUp.descriptor, for: .readable)
    bell.wakeUp.clear()
  }

  /// Everything that has come since the last time, worker by worker, and how many records had no room since
  /// the start.
  func drain() -> (records: [RequestRecord], dropped: UInt64) {
    var records: [RequestRecord] = []
    var dropped: UInt64 = 0
    for ring in rings.withLock({ $0 }) {
      let taken = ring.drain()
      records += taken.records
      dropped += taken.dropped
    }
    return (records, dropped)
  }
}
