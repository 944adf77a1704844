public import Fetching
public import MeshModel

/// Everything an agent is told when it starts; read once, from flags, by the front door.
public struct AgentConfiguration: Sendable {
  /// The node's name, as the control plane knows it.
  public var node: String
  /// The CNI plugin's socket (`istio.workload.zds`).
  public var zds: String
  /// Where `apus-cni` finds this agent; with it the pods are those that the control plane lists, and `zds` has
  /// no part. Nil for another node agent's enrollment over `zds`.
  public var cniSocket: String?
  /// The host's processes, by which running pods are found.
  public var hostProcesses = "/proc"
  /// The control plane: xDS and certificates.
  public var control: ServerPlace
  /// The DNS name in the control plane's certificate.
  public var controlName: String
  /// The file with the control plane's root certificates, PEM.
  public var controlRoot: String
  /// The file with the bearer token, read again for each call.
  public var token: String
  /// The control group whose processes are captured.
  public var controlGroup: String?
  /// Where kernel objects are pinned.
  public var pins: String
  public var workers: Int
  public var trustDomain: TrustDomain
  public var clusterDomain: String
  public var readiness: SocketAddress
  public var metrics: SocketAddress
  public var admin: SocketAddress
  /// How long live connections may go on after SIGTERM, in seconds.
  public var drainSeconds: Int
  /// Where traces are sent; nil: none are kept.
  public var collector: Collector?
  /// The host's network namespace, as a path; what is opened there, such as a kubelet's probe, reaches pods
  /// past the mesh. Nil: it is judged like anybody's.
  public var hostNamespace: String? = "/proc/self/ns/net"
  /// Connections leave records, of which access lines, metrics and reports are made. Without, to measure what
  /// that costs.
  public var keepsRecords = true

  public init(
    node: String, zds: String, control: ServerPlace, controlName: String, controlRoot: String,
    token: String,
    controlGroup: String?, pins: String, workers: Int, trustDomain: TrustDomain, clusterDomain: String,
    readiness: SocketAddress, metrics: SocketAddress, admin: SocketAddress, drainSeconds: Int
  ) {
    self.node = node
    self.zds = zds
    self.control = control
    self.controlName = controlName
    self.controlRoot = controlRoot
    self.token = token
    self.controlGroup = controlGroup
    self.pins = pins
    self.workers = workers
    self.trustDomain = trustDomain
    self.clusterDomain = clusterDomain
    self.readiness = readiness
    self.metrics = metrics
    self.admin = admin
    self.drainSeconds = drainSeconds
  }
}
