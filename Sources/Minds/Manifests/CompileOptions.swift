public import MeshModel

/// What the compiler must be told besides the manifests.
public struct CompileOptions: Hashable, Sendable {
  public var trustDomain: TrustDomain = .clusterLocal
  /// Other names of the same trust domain: policies that name one mean all.
  public var trustDomainAliases: [TrustDomain] = []
  /// Other trust domains whose identities agents accept: policies may name them.
  public var foreignTrustDomains: [TrustDomain] = []
  /// The last part of every service's name.
  public var clusterDomain = "cluster.local"
  /// The first part of every workload's uid.
  public var clusterID = "Kubernetes"
  /// Where a PeerAuthentication or AuthorizationPolicy without a selector binds the whole mesh.
  public var rootNamespace = "istio-system"
  public var network = ""
  /// Waypoints are launched where they are needed, so workloads and services are bound to them. Without (a
  /// control plane that has no launcher), what needs one is reported and not in force, and policies that need
  /// one fail closed.
  public var hasWaypoints = true
  /// How waypoints read paths.
  public var pathForm = PathForm.base

  public init() {}
}
