/// A pod of one Deployment, as the rollout sees it; pods that are stopping are not shown to it.
public struct RolloutPod: Hashable, Sendable {
  public var name: String
  public var hash: String
  public var isReady: Bool

  public init(name: String, hash: String, isReady: Bool) {
    self.name = name
    self.hash = hash
    self.isReady = isReady
  }
}

/// The next steps from the pods there are to the pods there should be: one more than wanted at most, and
/// never fewer ready ones than wanted because of us (`maxSurge: 1`, `maxUnavailable: 0`).
///
/// Asked again after every change, so nothing has to be remembered between the steps.
public enum Rollout {
  /// What to do now.
  public struct Steps: Hashable, Sendable {
    /// How many pods of the wanted template to start.
    public var start = 0
    /// Names of pods to stop.
    public var stop: [String] = []
  }

  /// - Parameters:
  ///   - hash: of the wanted template.
  ///   - pods: in the order in which they were started.
  public static func steps(replicas: Int, hash: String, pods: [RolloutPod]) -> Steps {
    let current = pods.filter { $0.hash == hash }
    let old = pods.filter { $0.hash != hash }
    var steps = Steps()
    if old.isEmpty {
      steps.start = max(0, replicas - current.count)
      steps.stop = leastUseful(current, count: current.count - replicas)
      return steps
    }
    let surplus = current.filter(\.isReady).count + old.filter(\.isReady).count - replicas
    // An old pod that does not serve is no loss; one that does may go when enough others serve.
    let idle = old.filter { !$0.isReady }
    let spare = old.filter(\.isReady).prefix(max(0, surplus))
    steps.stop = (idle + spare).map(\.name) + leastUseful(current, count: current.count - replicas)
    let remaining = pods.count - steps.stop.count
    steps.start = max(0, min(replicas - current.count, replicas + 1 - remaining))
    return steps
  }

  /// Not ready before ready, younger before older.
  private static func leastUseful(_ pods: [RolloutPod], count: Int) -> [String] {
    guard count > 0 else { return [] }
    let younger = Array(pods.reversed())
    return (younger.filter { !$0.isReady } + younger.filter(\.isReady)).prefix(count).map(\.name)
  }
}
