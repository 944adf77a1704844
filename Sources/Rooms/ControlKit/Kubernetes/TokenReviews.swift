import Bytes
import ClusterWatch
import Logging
import MeshModel
import Reactor
import Synchronization

/// Whom service account tokens stand for, as the cluster's own TokenReview says: the node of an agent's pod,
/// or a waypoint's account. Answers are remembered for a minute.
///
/// Only tokens for our audiences count, so that a token that a pod was given for something else is worth
/// nothing here.
final class TokenReviews: Callers {
  static let audiences = ["apus-ca", "istio-ca"]
  private static let memory = Interval.seconds(60)
  /// A wrong token is asked about again soon: its pod may just have been made.
  private static let doubt = Interval.seconds(2)
  private static let maximumTokens = 20_000
  private static let path = "/apis/authentication.k8s.io/v1/tokenreviews"
  /// Longer ones are not tokens of this cluster, in bytes.
  private static let longest = 16 << 10

  private struct Known {
    var caller: String?
    var end: Instant
  }

  private let client: ClusterClient
  /// `system:serviceaccount:NAMESPACE:ACCOUNT` of the agents.
  private let agents: String
  /// The node of a pod, `NAMESPACE/NAME`, where tokens do not say it (Kubernetes before 1.30).
  private let nodeOfPod: @Sendable (String) -> String?
  private let log: Logger
  private let known = Mutex<[String: Known]>([:])

  init(
    _ client: ClusterClient, namespace: String, agentAccount: String,
    nodeOfPod: @escaping @Sendable (String) -> String?, log: Logger
  ) {
    self.client = client
    agents = "system:serviceaccount:\(namespace):\(agentAccount)"
    self.nodeOfPod = nodeOfPod
    self.log = log
  }

  var count: Int { known.withLock { $0.values.count { $0.caller != nil } } }

  func caller(of token: String) async -> String? {
    guard token.utf8.count <= Self.longest else { return nil }
    let now = Clock.now()
    if let known = known.withLock({ $0[token] }), now < known.end { return known.caller }
    do throws(ClusterError) {
      let caller = try await review(token)
      remember(token, caller, now)
      return caller
    } catch {
      // Whoever was known a moment ago stays so while the API is away; nobody becomes known.
      log.warning("a token cannot be reviewed", metadata: ["error": "\(error)"])
      return known.withLock { $0[token]?.caller }
    }
  }

  private func remember(_ token: String, _ caller: String?, _ now: Instant) {
    known.withLock { known in
      if known.count >= Self.maximumTokens { known = known.filter { now < $0.value.end } }
      guard known.count < Self.maximumTokens else { return }
      known[token] = Known(caller: caller, end: now + (caller == nil ? Self.doubt : Self.memory))
    }
  }

  private func review(_ token: String) async throws(ClusterError) -> String? {
    let answer = try await client.create(
      Self.path,
      [
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": ["token": .text(token), "audiences": .list(Self.audiences.map { .text($0) })],
      ])
    return caller(answer["status"])
  }

  /// What the status of a TokenReview says; nil for whoever has no business here.
  func caller(_ status: JSONValue?) -> String? {
    guard let status, status["authenticated"]?.boolean == true,
      // A server that does not know audiences says none.
      status["audiences"]?.list.contains(where: { Self.audiences.contains($0.text ?? "") }) == true,
      let user = status["user"], let name = user["username"]?.text
    else { return nil }
    if name == agents { return node(user) }
    let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount",
      WaypointName(account: parts[3], in: parts[2]) != nil
    else { return nil }
    return "\(parts[2])/\(parts[3])"
  }

  private func node(_ user: JSONValue) -> String? {
    let extra = user["extra"]
    func first(_ key: String) -> String? { extra?["authentication.kubernetes.io/\(key)"]?.list.first?.text }
    if let node = first("node-name"), !node.isEmpty { return node }
    guard let pod = first("pod-name"),
      let namespace = user["username"]?.text?.split(separator: ":").dropFirst(2).first
    else { return nil }
    return nodeOfPod("\(namespace)/\(pod)")
  }
}
