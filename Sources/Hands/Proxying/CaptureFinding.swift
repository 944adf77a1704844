/// What a look at a pod's capture from inside has found, told when it changes.
public struct CaptureFinding: Hashable, Sendable {
  /// Of the pod.
  public let uid: String
  /// `namespace/name`.
  public let workload: String
  /// In one sentence, which connections pass the agent by; nil when capture holds (again).
  public let problem: String?

  public init(uid: String, workload: String, problem: String?) {
    self.uid = uid
    self.workload = workload
    self.problem = problem
  }
}
