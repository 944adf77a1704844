public import MeshModel

/// What a control plane must know of the cluster that it serves.
public struct ClusterSettings: Hashable, Sendable {
  /// Where the Kubernetes API is.
  public enum Place: Hashable, Sendable {
    /// That of the cluster in which this process runs as a pod, as its environment says
    /// (`KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`).
    case inCluster(environment: [String: String])
    /// That of a kubeconfig file's current context.
    case kubeconfig(String)
  }

  public var place: Place
  /// Where Apus itself is installed.
  public var namespace: String
  /// The service account of the agents, in that namespace.
  public var agentAccount: String
  /// This replica, unique among all: its pod's name.
  public var replica: String
  /// The image of waypoints; nil: none are started, and policies that need one deny.
  public var waypointImage: String?
  /// Where waypoints find us, HOST:PORT.
  public var controlAddress: String
  /// The DNS name that our certificate shows, besides `apus-control`.
  public var controlName: String
  /// Where objects are judged at admission, over TLS; nil for not.
  public var webhook: SocketAddress?

  public init(
    place: Place, namespace: String, agentAccount: String = "apus-agent", replica: String,
    waypointImage: String? = nil, controlAddress: String, controlName: String,
    webhook: SocketAddress? = nil
  ) {
    self.place = place
    self.namespace = namespace
    self.agentAccount = agentAccount
    self.replica = replica
    self.waypointImage = waypointImage
    self.controlAddress = controlAddress
    self.controlName = controlName
    self.webhook = webhook
  }
}
