/// What this version makes of each kind of the API groups that a mesh user writes.
enum KnownKind {
  case namespace, serviceAccount, service, pod, controller, peerAuthentication, authorizationPolicy
  case requestAuthentication
  case telemetry
  case traffic(TrafficKind)
  /// It shapes traffic, and traffic flows without it.
  case unsupported(String)
  /// Nothing of it concerns a mesh.
  case unused
  /// A version of the group that nobody has defined.
  case unknownVersion
  /// The group is one of ours, and has no such kind.
  case unknownKind

  init(apiVersion: String, kind: String) {
    let parts = apiVersion.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let (group, version) = parts.count == 2 ? (String(parts[0]), String(parts[1])) : ("", apiVersion)
    switch group {
    case "": self = Self.core(kind)
    case "apps": self = Self.controllers.contains(kind) ? .controller : .unused
    case "security.istio.io":
      self = Self.securityVersions.contains(version) ? Self.security(kind) : .unknownVersion
    case "networking.istio.io":
      self = Self.versions.contains(version) ? Self.networking(kind) : .unknownVersion
    case "telemetry.istio.io":
      guard Self.telemetryVersions.contains(version) else {
        self = .unknownVersion
        return
      }
      self = kind == "Telemetry" ? .telemetry : .unknownKind
    case "extensions.istio.io": self = .unsupported("no extension is loaded")
    case "gateway.networking.k8s.io": self = Self.gateway(kind)
    default: self = .unused
    }
  }

  var isNamespaced: Bool {
    if case .namespace = self { false } else { true }
  }

  private static let versions: Set<String> = ["v1", "v1beta1", "v1alpha3"]
  private static let securityVersions: Set<String> = ["v1", "v1beta1"]
  private static let telemetryVersions: Set<String> = ["v1", "v1alpha1"]
  /// DaemonSets and Jobs do not keep a number of pods, and are not run by `apus dev`.
  private static let controllers: Set<String> = ["Deployment", "StatefulSet", "ReplicaSet"]

  private static func core(_ kind: String) -> KnownKind {
    switch kind {
    case "Namespace": .namespace
    case "ServiceAccount": .serviceAccount
    case "Service": .service
    case "Pod": .pod
    default: .unused
    }
  }

  private static func security(_ kind: String) -> KnownKind {
    switch kind {
    case "PeerAuthentication": .peerAuthentication
    case "AuthorizationPolicy": .authorizationPolicy
    case "RequestAuthentication": .requestAuthentication
    default: .unknownKind
    }
  }

  private static func networking(_ kind: String) -> KnownKind {
    switch kind {
    case "VirtualService": .traffic(.virtualService)
    case "DestinationRule": .traffic(.destinationRule)
    case "Sidecar": .traffic(.sidecar)
    case "Gateway": .unsupported("no gateway is run")
    case "ServiceEntry", "WorkloadEntry", "WorkloadGroup":
      .unsupported("hosts outside are reached as without a mesh")
    case "EnvoyFilter", "ProxyConfig": .unsupported("Apus has no Envoy")
    default: .unknownKind
    }
  }

  private static func gateway(_ kind: String) -> KnownKind {
    switch kind {
    case "HTTPRoute": .traffic(.httpRoute)
    case "GRPCRoute": .traffic(.grpcRoute)
    case "TCPRoute", "TLSRoute", "UDPRoute":
      .unsupported("connections go to any endpoint of the service they address")
    case "Gateway", "GatewayClass": .unsupported("no gateway or waypoint is run")
    case "ReferenceGrant": .traffic(.referenceGrant)
    default: .unsupported("it has no effect")
    }
  }
}

/// The kinds that say what becomes of requests, and what is said of them while no waypoint is run.
enum TrafficKind: String {
  case virtualService = "VirtualService"
  case destinationRule = "DestinationRule"
  case httpRoute = "HTTPRoute"
  case grpcRoute = "GRPCRoute"
  case referenceGrant = "ReferenceGrant"
  case sidecar = "Sidecar"

  var effectOfAbsence: String {
    switch self {
    case .virtualService, .httpRoute, .grpcRoute:
      "connections go to any endpoint of the service they address"
    case .destinationRule: "subsets, pools and outlier detection keep their defaults"
    case .referenceGrant, .sidecar: "nothing asks for it"
    }
  }
}
