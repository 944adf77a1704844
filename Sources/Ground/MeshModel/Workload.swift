/// A pod or virtual machine with addresses and one identity (`istio.workload.Workload`).
public struct Workload: Hashable, Sendable {
  /// How its traffic is carried on the wire (`TunnelProtocol`).
  public enum TunnelProtocol: UInt8, Sendable { case none, hbone }

  /// `cluster/group/kind/namespace/name`; unique in the mesh.
  public var uid: String
  public var name: String
  public var namespace: String
  public var identity: Identity
  public var addresses: [IPAddress]
  /// The node that runs it; empty when unknown.
  public var node: String
  /// The owner, for telemetry: the Deployment's or StatefulSet's name.
  public var workloadName: String
  public var canonicalName: String
  public var canonicalRevision: String
  public var tunnelProtocol: TunnelProtocol
  public var isHealthy: Bool
  /// Service to target port of each of its service ports.
  public var services: [ServiceKey: [PortMapping]]
  /// `namespace/name` of the selector policies bound to it; those of its namespace and of the mesh are
  /// implied.
  public var policies: [String]
  public var network: String
  public var clusterID: String
  /// Shares its node's addresses (`NetworkMode.HOST_NETWORK`): an endpoint, but never found by address.
  public var usesHostNetwork: Bool
  /// The service of waypoints through which everything for it must come; nil when it needs none.
  public var waypoint: ServiceKey?
  /// The labels by which subsets choose it, and no others.
  public var subsetLabels: [String: String] = [:]
  /// The RequestAuthentications that select it, by title; those of its namespace and of the mesh are implied.
  public var authentications: [String] = []
  public var locality = Locality()

  /// Where it runs; what is unknown is empty.
  public struct Locality: Hashable, Sendable {
    public var region = ""
    public var zone = ""
    public var subzone = ""
    public init() {}
  }

  public init(
    uid: String, name: String, namespace: String, identity: Identity, addresses: [IPAddress],
    node: String = "",
    workloadName: String = "", canonicalName: String = "", canonicalRevision: String = "latest",
    tunnelProtocol: TunnelProtocol = .none, isHealthy: Bool = true,
    services: [ServiceKey: [PortMapping]] = [:],
    policies: [String] = [], network: String = "", clusterID: String = "Kubernetes",
    usesHostNetwork: Bool = false
  ) {
    self.uid = uid
    self.name = name
    self.namespace = namespace
    self.identity = identity
    self.addresses = addresses
    self.node = node
    self.workloadName = workloadName
    self.canonicalName = canonicalName
    self.canonicalRevision = canonicalRevision
    self.tunnelProtocol = tunnelProtocol
    self.isHealthy = isHealthy
    self.services = services
    self.policies = policies
    self.network = network
    self.clusterID = clusterID
    self.usesHostNetwork = usesHostNetwork
  }
}

/// A service port and the port of the workload behind it (`istio.workload.Port`); target 0 means
/// per-endpoint.
public struct PortMapping: Hashable, Sendable {
  public var servicePort: UInt16
  public var targetPort: UInt16

  public init(servicePort: UInt16, targetPort: UInt16) {
    self.servicePort = servicePort
    self.targetPort = targetPort
  }
}
