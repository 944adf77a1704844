public import MeshModel

/// What the compiler must be told besides the manifests.
public struct CompileOptions: Hashable, Sendable {
  public var trustDomain: TrustDomain = .clusterLocal
  /// The last part of every service's name.
  public var clusterDomain = "cluster.local"
  /// The first part of every workload's uid.
  public var clusterID = "Kubernetes"
  /// Where a PeerAuthentication without a selector binds the whole mesh.
  public var rootNamespace = "istio-system"
  public var network = ""

  public init() {}
}
