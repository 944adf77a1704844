/// A pod of a node, as the control plane tells the node's agent of it.
public struct NodePod: Hashable, Sendable, Codable {
  /// As Kubernetes gives it; names one life of a pod.
  public var uid: String
  public var name: String
  public var namespace: String
  public var serviceAccount: String
  /// As text; none before the pod has its sandbox.
  private var ips: [String]
  /// Its connections are to be captured.
  public var isEnrolled: Bool

  public init(
    uid: String, name: String, namespace: String, serviceAccount: String, addresses: [IPAddress],
    isEnrolled: Bool
  ) {
    self.uid = uid
    self.name = name
    self.namespace = namespace
    self.serviceAccount = serviceAccount
    ips = addresses.map(\.description)
    self.isEnrolled = isEnrolled
  }

  /// None before the pod has its sandbox.
  public var addresses: [IPAddress] { ips.compactMap { IPAddress($0) } }
}

/// What an agent asks of `MethodPath.nodePods`, as JSON.
public struct NodePodsQuestion: Hashable, Sendable, Codable {
  /// A pod that the answer is to name: the control plane waits a moment for it to appear. Nil for none.
  public var awaited: String?

  /// `awaited`: `namespace/name/uid`.
  public init(awaiting awaited: String? = nil) { self.awaited = awaited }
}

/// The answer: every pod of the node but those on the host's network.
public struct NodePodsAnswer: Hashable, Sendable, Codable {
  public var pods: [NodePod]

  public init(pods: [NodePod]) { self.pods = pods }
}
