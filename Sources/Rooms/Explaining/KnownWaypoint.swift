import HTTPRouting
import Manifests
import MeshModel
import Tokens

/// A waypoint as manifests would make it, with the tables that it would ask.
struct KnownWaypoint: Sendable {
  let configuration: WaypointConfiguration
  /// The service that stands for it.
  let key: ServiceKey
  let identity: Identity?
  let tokens: TokenChecks
  private let routes: [ServiceKey: RouteTable]

  init(_ configuration: WaypointConfiguration, _ options: CompileOptions) {
    self.configuration = configuration
    let name = configuration.waypoint
    key = name.service(in: options.clusterDomain)
    identity = try? Identity(
      trustDomain: options.trustDomain, namespace: name.namespace, serviceAccount: name.name)
    tokens = TokenChecks(configuration.authentications)
    var routes: [ServiceKey: RouteTable] = [:]
    for traffic in configuration.services { routes[traffic.service] = try? RouteTable(traffic) }
    self.routes = routes
  }

  func routes(of service: ServiceKey) -> RouteTable? { routes[service] }

  /// As it is written, of a decision's origin.
  func rule(_ origin: String, of service: ServiceKey) -> RouteRule? {
    configuration.services.first { $0.service == service }?.rules.first { $0.origin == origin }
  }

  /// What the endpoints of a subset carry; nil when there is no such subset.
  func labels(of subset: String?, _ service: ServiceKey) -> [String: String]? {
    guard let subset else { return [:] }
    return configuration.destinations.first { $0.service == service }?.subsets.first { $0.name == subset }?
      .labels
  }
}

/// Policies as waypoints have them, in a mesh that manifests would make.
struct WaypointPolicies {
  /// With all that they ask of requests.
  let whole: [Authorization]

  init(_ mesh: CompiledMesh) {
    whole = mesh.authorizations.map { mesh.requestAuthorizations[$0.key] ?? $0 }
  }

  /// What is left of them for the request that fits best: an ALLOW loses what it asks of requests, and a DENY
  /// the rules that ask something. What these deny is denied to every request.
  var atBest: [Authorization] {
    whole.map { policy in
      var turned = policy
      turned.action = policy.action == .deny ? .allow : .deny
      turned = turned.forConnections
      turned.action = policy.action
      return turned
    }
  }
}
