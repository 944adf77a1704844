public import HTTPRouting
public import MeshModel
import Resilience
public import TLSEngine
public import Tokens

/// A waypoint's configuration, ready to be asked; made once for each change and shared by all workers.
public final class WaypointTables: Sendable {
  public let configuration: WaypointConfiguration
  /// Whose tokens are accepted, and where keys are to be fetched.
  public let tokens: TokenChecks
  private let routes: [ServiceKey: RouteTable]
  private let traffic: [ServiceKey: ServiceTraffic]
  private let destinations: [ServiceKey: DestinationTraffic]
  private let originators: [TLSOrigination: Originator]
  /// Shared by all workers: a limit of 100 is 100 however many there are.
  private let breakers = BreakerTable()

  /// `machineAuthorities`: whom the waypoint's machine trusts, where `needsMachineAuthorities`.
  ///
  /// - Throws: `RouteTable.Malformed` for a rule that cannot be made ready; the earlier tables stay then.
  public init(
    _ configuration: WaypointConfiguration, machineAuthorities: TrustBundle? = nil
  ) throws(RouteTable.Malformed) {
    self.configuration = configuration
    tokens = TokenChecks(configuration.authentications)
    var routes: [ServiceKey: RouteTable] = [:]
    for service in configuration.services { routes[service.service] = try RouteTable(service) }
    self.routes = routes
    traffic = Dictionary(configuration.services.map { ($0.service, $0) }) { first, _ in first }
    originators = configuration.originations.reduce(into: [:]) {
      $0[$1] = Originator($1, machine: machineAuthorities)
    }
    destinations = Dictionary(configuration.destinations.map { ($0.service, $0) }) { first, _ in first }
  }

  func routes(of service: ServiceKey) -> RouteTable? { routes[service] }

  /// What the port declares; nil when it must be found out.
  func declared(_ service: ServiceKey, port: UInt16) -> ApplicationProtocol? {
    traffic[service]?.protocols.first { $0.port == port }?.speaks
  }

  /// The rule for connections that are not read as HTTP.
  func connectionRule(_ service: ServiceKey, port: UInt16) -> ConnectionRule? {
    traffic[service]?.connectionRules.first { $0.ports.isEmpty || $0.ports.contains(port) }
  }

  /// Nil when there is no such subset.
  func choice(_ key: DestinationKey) -> DestinationTraffic.Choice? {
    let traffic = destinations[key.service] ?? DestinationTraffic(service: key.service)
    return traffic.choice(port: key.port, subset: key.subset)
  }

  /// Nil when nothing is begun.
  func originator(of policy: TrafficPolicy) -> Originator? { policy.tls.flatMap { originators[$0] } }

  func breaker(_ key: DestinationKey, _ pool: ConnectionPool) -> CircuitBreaker {
    breakers.breaker(key, pool)
  }
}

/// A port of a service and a subset of its endpoints.
struct DestinationKey: Hashable, Sendable {
  var service: ServiceKey
  var port: UInt16
  var subset: String?
}
