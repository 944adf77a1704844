import Bytes
import FoundationEssentials
import Logging
import Manifests
import MeshModel
import RPC
import Reactor
import Synchronization
import Transport

/// Tells each node's agent of the node's pods: also of those that have no address yet, for whose start a CNI
/// plugin waits. A node hears of its own pods alone.
final class NodeRoster: Sendable {
  private struct Waiter {
    var node: String
    var pod: String
    var continuation: CheckedContinuation<Void, Never>
  }

  private struct State {
    var pods: [String: [NodePod]] = [:]
    var waiters: [UInt64: Waiter] = [:]
    var lastNumber: UInt64 = 0

    func knows(_ pod: String, on node: String) -> Bool {
      pods[node]?.contains { NodeRoster.key($0) == pod } ?? false
    }
  }

  /// Questions that may wait at once; one more is answered with what is known.
  private static let maximumWaiters = 1_000
  /// How long a pod is waited for: below every caller's own deadline.
  private static let patience = Interval.seconds(2)

  private let thread: ReactorThread
  private let state = Mutex(State())

  init(_ thread: ReactorThread) { self.thread = thread }

  static func key(_ pod: NodePod) -> String { "\(pod.namespace)/\(pod.name)/\(pod.uid)" }

  func replace(with objects: ManifestSet) {
    let pods = objects.podsByNode
    let settled = state.withLock { state in
      state.pods = pods
      let settled = state.waiters.filter { state.knows($0.value.pod, on: $0.value.node) }
      for number in settled.keys { state.waiters[number] = nil }
      return settled.values.map(\.continuation)
    }
    for continuation in settled { continuation.resume() }
  }

  /// What answers `MethodPath.nodePods`. `node`: the node that a bearer token belongs to.
  func method(node: @escaping @Sendable (String) async -> String?) -> RPCMethod {
    .unary(limit: 4 << 10) { [self] call, message throws(RPCStatus) in
      guard let token = call.head.bearerToken, let node = await node(token) else {
        throw RPCStatus(.unauthenticated, "the bearer token is not that of a node")
      }
      guard let question = try? JSONDecoder().decode(NodePodsQuestion.self, from: Data(message)) else {
        throw RPCStatus(.invalidArgument, "not a question for the pods of a node")
      }
      if let pod = question.awaited { await wait(for: pod, on: node) }
      let answer = NodePodsAnswer(pods: state.withLock { $0.pods[node] ?? [] })
      guard let bytes = try? JSONEncoder().encode(answer) else {
        throw RPCStatus(.internal, "the answer cannot be encoded")
      }
      return Array(bytes)
    }
  }

  private func wait(for pod: String, on node: String) async {
    await withCheckedContinuation { continuation in
      let number = state.withLock { state -> UInt64? in
        guard !state.knows(pod, on: node), state.waiters.count < Self.maximumWaiters else { return nil }
        state.lastNumber += 1
        state.waiters[state.lastNumber] = Waiter(node: node, pod: pod, continuation: continuation)
        return state.lastNumber
      }
      guard let number else { return continuation.resume() }
      Task(executorPreference: thread) { [self] in
        try? await thread.sleep(for: Self.patience)
        state.withLock { $0.waiters.removeValue(forKey: number) }?.continuation.resume()
      }
    }
  }
}
