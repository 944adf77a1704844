/// A kind of objects that the Kubernetes API keeps and the mesh is made from.
public struct ClusterKind: Hashable, Sendable, CustomStringConvertible {
  /// As in manifests.
  public let kind: String
  /// As in paths of the API.
  public let plural: String
  /// Empty for the core API.
  public let group: String
  /// Those that can be read, the preferred one first.
  public let versions: [String]
  /// It comes with the cluster. The others come and go with their definitions (CRDs).
  public let isBuiltIn: Bool

  private init(_ kind: String, _ plural: String, _ group: String, _ versions: [String], isBuiltIn: Bool) {
    self.kind = kind
    self.plural = plural
    self.group = group
    self.versions = versions
    self.isBuiltIn = isBuiltIn
  }

  private static func core(_ kind: String, _ plural: String) -> ClusterKind {
    ClusterKind(kind, plural, "", ["v1"], isBuiltIn: true)
  }

  private static func istio(_ kind: String, _ plural: String, _ group: String, _ alpha: String)
    -> ClusterKind
  {
    let versions = ["v1", "v1beta1", alpha].filter { !$0.isEmpty }
    return ClusterKind(kind, plural, "\(group).istio.io", versions, isBuiltIn: false)
  }

  private static func gateway(_ kind: String, _ plural: String, _ versions: [String]) -> ClusterKind {
    ClusterKind(kind, plural, "gateway.networking.k8s.io", versions, isBuiltIn: false)
  }

  /// All of them. What selects pods comes before the pods in the list, but nothing is published before every
  /// one of them has been read.
  public static let all: [ClusterKind] = [
    core("Namespace", "namespaces"), core("ServiceAccount", "serviceaccounts"),
    core("Service", "services"), core("Pod", "pods"),
    istio("PeerAuthentication", "peerauthentications", "security", ""),
    istio("AuthorizationPolicy", "authorizationpolicies", "security", ""),
    istio("RequestAuthentication", "requestauthentications", "security", ""),
    istio("VirtualService", "virtualservices", "networking", "v1alpha3"),
    istio("DestinationRule", "destinationrules", "networking", "v1alpha3"),
    istio("Sidecar", "sidecars", "networking", "v1alpha3"),
    ClusterKind("Telemetry", "telemetries", "telemetry.istio.io", ["v1", "v1alpha1"], isBuiltIn: false),
    gateway("HTTPRoute", "httproutes", ["v1", "v1beta1"]),
    gateway("GRPCRoute", "grpcroutes", ["v1", "v1alpha2"]),
    gateway("ReferenceGrant", "referencegrants", ["v1beta1", "v1alpha2"]),
  ]

  /// `GROUP/VERSION`, as objects say it.
  public func apiVersion(_ version: String) -> String { group.isEmpty ? version : "\(group)/\(version)" }

  /// Where the API keeps all objects of the kind.
  public func path(_ version: String) -> String {
    group.isEmpty ? "/api/\(version)/\(plural)" : "/apis/\(group)/\(version)/\(plural)"
  }

  /// `plural` or `plural.group`, as `kubectl` takes it.
  public var description: String { group.isEmpty ? plural : "\(plural).\(group)" }
}
