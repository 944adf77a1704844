public import MeshModel
import MeshAPI

/// One thing that discovery distributes.
public enum MeshResource: Hashable, Sendable {
  case workload(Workload)
  case service(Service)
  case authorization(Authorization)
  case waypoint(WaypointConfiguration)
  case trust(TrustedDomain)
  case telemetry(TelemetryScope)

  public var key: MeshResourceKey {
    switch self {
    case .workload(let workload): .workload(uid: workload.uid)
    case .service(let service): .service(service.key)
    case .authorization(let authorization): .authorization(authorization.key)
    case .waypoint(let configuration): .waypoint(configuration.waypoint)
    case .trust(let trusted): .trust(trusted.domain)
    case .telemetry(let scope): .telemetry(namespace: scope.namespace)
    }
  }
}

/// What names a resource for good, whatever it says at the moment.
public enum MeshResourceKey: Hashable, Sendable, CustomStringConvertible {
  case workload(uid: String)
  case service(ServiceKey)
  /// `namespace/name`.
  case authorization(String)
  case waypoint(WaypointName)
  case trust(TrustDomain)
  case telemetry(namespace: String)

  /// The resource's name on the wire, unique within its type.
  public var description: String {
    switch self {
    case .workload(let uid): uid
    case .service(let key): key.description
    case .authorization(let key): key
    case .waypoint(let name): name.description
    case .trust(let domain): domain.name
    case .telemetry(let namespace): namespace
    }
  }

  /// The `type_url` under which it is subscribed.
  public var typeURL: String {
    switch self {
    case .workload, .service: TypeURL.address
    case .authorization: TypeURL.authorization
    case .waypoint: TypeURL.waypointConfiguration
    case .trust: TypeURL.trust
    case .telemetry: TypeURL.telemetry
    }
  }
}

/// A resource that cannot be understood: refused by name, while the others of its response are taken.
public struct MalformedResource: Error, Hashable, Sendable, CustomStringConvertible {
  public var name: String
  public var reason: String

  public init(name: String, reason: String) {
    self.name = name
    self.reason = reason
  }

  public var description: String { "\(name): \(reason)" }
}
