import Bytes
import MeshModel
import Reactor
import Synchronization

/// Which identities run on which node, as the mesh is known now: what a node's agent may ask certificates
/// for.
///
/// The agent of a pod that starts often asks before the mesh is told of the pod: such a question waits for a
/// moment before it is denied.
final class PodPlaces: Sendable {
  private struct Place: Hashable {
    var identity: Identity
    var node: String
  }

  private struct Waiter {
    var place: Place
    var continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    var places: Set<Place> = []
    /// The node of each pod, `namespace/name`.
    var nodes: [String: String] = [:]
    var waiters: [UInt64: Waiter] = [:]
    var lastNumber: UInt64 = 0
  }

  /// Questions that may wait at once; one more is answered by what is known.
  static let maximumWaiters = 1_000

  private let thread: ReactorThread
  private let patience: Interval
  private let state = Mutex(State())

  /// `patience`: twenty times the quiet time of the directories, below every caller's own deadline.
  init(_ thread: ReactorThread, patience: Interval = .seconds(2)) {
    self.thread = thread
    self.patience = patience
  }

  func replace(with workloads: [Workload]) {
    let found = Set(
      workloads.lazy.filter { !$0.node.isEmpty }.map { Place(identity: $0.identity, node: $0.node) })
    let nodes = Dictionary(workloads.lazy.map { ("\($0.namespace)/\($0.name)", $0.node) }) { first, _ in first
    }
    let settled = state.withLock { state in
      state.nodes = nodes
      state.places = found
      let settled = state.waiters.filter { found.contains($0.value.place) }
      for number in settled.keys { state.waiters[number] = nil }
      return settled.values.map(\.continuation)
    }
    for continuation in settled { continuation.resume(returning: true) }
  }

  /// Nil for a pod that is not known, or has no node.
  func node(ofPod pod: String) -> String? {
    state.withLock { $0.nodes[pod] }.flatMap { $0.isEmpty ? nil : $0 }
  }

  func runs(_ identity: Identity, on node: String) async -> Bool {
    let place = Place(identity: identity, node: node)
    return await withCheckedContinuation { continuation in
      let (answer, number) = state.withLock { state -> (Bool?, UInt64) in
        if state.places.contains(place) { return (true, 0) }
        guard state.waiters.count < Self.maximumWaiters else { return (false, 0) }
        state.lastNumber += 1
        state.waiters[state.lastNumber] = Waiter(place: place, continuation: continuation)
        return (nil, state.lastNumber)
      }
      if let answer { return continuation.resume(returning: answer) }
      Task(executorPreference: thread) { [self] in
        try? await thread.sleep(for: patience)
        state.withLock { $0.waiters.removeValue(forKey: number) }?.continuation.resume(returning: false)
      }
    }
  }
}
