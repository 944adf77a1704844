/// The pods of a node as a sequence of enrollment messages tells them (`istio.workload.zds`): each session
/// begins with the whole list and ends it with SnapshotSent; after that come changes.
///
/// Pods of an earlier session stay captured until the new list is complete, so that a restarted peer never
/// leaves a pod uncaptured, and are dropped then if it did not name them.
public struct EnrollmentLedger: Sendable {
  /// What an AddWorkload asks for.
  public enum Step: Hashable, Sendable {
    case enroll
    /// It is captured already: nothing to do but to acknowledge.
    case alreadyEnrolled
    /// The pod has another network namespace now: withdraw the first, then enroll.
    case replace(PodEnrollment)
    /// More pods than a node can have.
    case refuse
  }

  /// Ten times what Kubernetes supports on a node.
  public static let mostPods = 2048

  private var pods: [String: PodEnrollment] = [:]
  /// Named in this session's list.
  private var confirmed: Set<String> = []
  /// This session's list is complete.
  public private(set) var isComplete = false

  public init() {}

  /// Ordered by uid.
  public var enrolled: [PodEnrollment] { pods.values.sorted { $0.uid < $1.uid } }
  public var count: Int { pods.count }

  public subscript(uid: String) -> PodEnrollment? { pods[uid] }

  /// A new connection to the peer: the list begins again.
  public mutating func beginSession() {
    confirmed.removeAll()
    isComplete = false
  }

  /// AddWorkload. Call `failed(uid:)` when what it asks for could not be done.
  public mutating func add(_ pod: PodEnrollment) -> Step {
    let old = pods[pod.uid]
    guard old != nil || pods.count < Self.mostPods else { return .refuse }
    confirmed.insert(pod.uid)
    pods[pod.uid] = pod
    guard let old else { return .enroll }
    return pod.differs(from: old) ? .replace(old) : .alreadyEnrolled
  }

  /// The enrollment that `add` asked for failed: the pod is not captured, and will be added again.
  public mutating func failed(uid: String) {
    pods[uid] = nil
    confirmed.remove(uid)
  }

  /// KeepWorkload: the peer has lost the namespace's descriptor, and the pod lives. False when it is not
  /// captured here: the peer must be told, because nothing can be done without the descriptor.
  public mutating func keep(uid: String) -> Bool {
    guard pods[uid] != nil else { return false }
    confirmed.insert(uid)
    return true
  }

  /// DelWorkload. The pod to withdraw; nil when it is unknown, which is no error.
  public mutating func remove(uid: String) -> PodEnrollment? {
    confirmed.remove(uid)
    return pods.removeValue(forKey: uid)
  }

  /// SnapshotSent. The pods to withdraw, by uid: those of earlier sessions that the list did not name.
  public mutating func completeList() -> [PodEnrollment] {
    isComplete = true
    let gone = pods.values.filter { !confirmed.contains($0.uid) }.sorted { $0.uid < $1.uid }
    for pod in gone { pods[pod.uid] = nil }
    return gone
  }
}
