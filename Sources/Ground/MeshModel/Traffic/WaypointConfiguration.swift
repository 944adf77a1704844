/// The service account before whose workloads a waypoint stands. There is one waypoint for each.
public struct WaypointName: Hashable, Sendable, Codable, CustomStringConvertible {
  public var namespace: String
  public var serviceAccount: String

  public init(namespace: String, serviceAccount: String) {
    self.namespace = namespace
    self.serviceAccount = serviceAccount
  }

  /// What is appended to the account's name to name the waypoint: its own account, its service, its pods.
  public static let suffix = "-waypoint"

  /// The name of the waypoint's service account and of its service, in the same namespace.
  public var name: String { serviceAccount + Self.suffix }

  /// `namespace/account`, the name of its configuration on the wire.
  public var description: String { "\(namespace)/\(serviceAccount)" }

  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    self.init(namespace: String(parts[0]), serviceAccount: String(parts[1]))
  }
}

/// Everything that one waypoint must know besides the mesh's workloads and services
/// (`apus.waypoint.v1.Configuration`): one document, so that what it says is consistent. It holds no set and
/// no dictionary but by text, so that equal configurations are equal on the wire.
public struct WaypointConfiguration: Hashable, Sendable, Codable {
  /// The revision of this form; a waypoint refuses any other.
  public static let revision = 1

  public var waypoint: WaypointName
  /// What is done with requests, by service. A service that is missing has no rules: its requests go to any
  /// of its endpoints. A connection to a workload's own address follows no rules either, as elsewhere.
  public var services: [ServiceTraffic]
  /// How the endpoints of a service are chosen and guarded, for each service that a rule may lead to.
  public var destinations: [DestinationTraffic]
  /// The policies that may bind a workload behind this waypoint, whole, with what they ask of requests.
  public var authorizations: [Authorization]
  /// Whose tokens are accepted, of requests to the workloads that each selects.
  public var authentications: [TokenAuthentication]
  /// Why it is needed: one clause each, such as `AuthorizationPolicy production/payments asks for methods`.
  public var reasons: [String]
  /// `apus.io/waypoint: always`: it runs though nobody asks for it.
  public var isAlwaysOn = false
  /// How many run at once, when it runs.
  public var replicas = 1
  /// As many can be asked for.
  public static let replicaLimits = 1...64
  /// `apus.io/trusted-proxies`: how many proxies before the mesh append to `x-forwarded-for` whom they speak
  /// for, and are believed. With none the client's address is that of its connection.
  public var trustedProxies = 0
  public var pathForm = PathForm.base
  /// `apus.io/client-fields`: what applications are told about the client, each once and in this order.
  public var clientFields = ClientField.standard
  public var limits = RequestLimits()

  public init(
    waypoint: WaypointName, services: [ServiceTraffic] = [], destinations: [DestinationTraffic] = [],
    authorizations: [Authorization] = [], authentications: [TokenAuthentication] = [], reasons: [String] = []
  ) {
    self.waypoint = waypoint
    self.services = services
    self.destinations = destinations
    self.authorizations = authorizations
    self.authentications = authentications
    self.reasons = reasons
  }
}

/// What is made equal in the paths of requests before rules and policies are asked; by the names of Istio's
/// `meshConfig.pathNormalization`.
public enum PathForm: String, Hashable, Sendable, Codable, CaseIterable {
  case none = "NONE"
  case base = "BASE"
  case mergeSlashes = "MERGE_SLASHES"
  case decodeAndMergeSlashes = "DECODE_AND_MERGE_SLASHES"
}

/// What is done with the requests that are addressed to a service.
public struct ServiceTraffic: Hashable, Sendable, Codable {
  public var service: ServiceKey
  /// The protocol that each port declares (`appProtocol`, else the prefix of its name); a port that is
  /// missing declares none, and its protocol is found out.
  public var protocols: [PortProtocol]
  /// In order: the first that matches decides. Without any, or when none matches and there are some, see
  /// `fallsThrough`.
  public var rules: [RouteRule]
  /// A request that no rule matches goes to the service itself; false refuses it with 404, as a
  /// VirtualService or HTTPRoute whose rules do not match does.
  public var fallsThrough: Bool
  /// Rules for ports that carry no HTTP (`VirtualService.tcp`).
  public var connectionRules: [ConnectionRule]

  public init(
    service: ServiceKey, protocols: [PortProtocol] = [], rules: [RouteRule] = [],
    fallsThrough: Bool = true, connectionRules: [ConnectionRule] = []
  ) {
    self.service = service
    self.protocols = protocols
    self.rules = rules
    self.fallsThrough = fallsThrough
    self.connectionRules = connectionRules
  }
}

/// A port of a service and what it says that it speaks.
public struct PortProtocol: Hashable, Sendable, Codable {
  public var port: UInt16
  public var speaks: ApplicationProtocol

  public init(port: UInt16, speaks: ApplicationProtocol) {
    self.port = port
    self.speaks = speaks
  }
}

/// What a service's port says that it speaks.
public enum ApplicationProtocol: String, Hashable, Sendable, Codable {
  case http1, http2, grpc
  /// Relayed byte by byte.
  case tcp
}

extension WaypointName {
  /// The service that stands for the waypoints; its `subjectAltNames` say who they are.
  public func service(in clusterDomain: String) -> ServiceKey {
    ServiceKey(namespace: namespace, hostname: "\(name).\(namespace).svc.\(clusterDomain)")
  }

  /// The waypoint that has a service account; nil for an account of another kind.
  public init?(account: String, in namespace: String) {
    guard account.hasSuffix(Self.suffix), account.utf8.count > Self.suffix.utf8.count else { return nil }
    self.init(namespace: namespace, serviceAccount: String(account.dropLast(Self.suffix.count)))
  }
}
