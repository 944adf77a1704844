import Bytes
import HTTPExchange
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
  /// What applications are told of clients.
  let telling: ClientFields.Telling
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
    telling = ClientFields.Telling(configuration.clientFields)
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

  /// The limits for clients' connections, those of the configuration before the base ones.
  func limits(over base: HTTPLimits) -> HTTPLimits {
    var limits = base
    let asked = configuration.limits
    if let head = asked.maximumHead { limits.maximumHead = head }
    if let time = asked.headTimeout { limits.headTimeout = .milliseconds(time) }
    if let time = asked.stallTimeout { limits.stallTimeout = .milliseconds(time) }
    if let time = asked.idleTimeout { limits.idleTimeout = .milliseconds(time) }
    return limits
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

  init(service: ServiceKey, port: UInt16, subset: String?) {
    self.service = service
    self.port = port
    self.subset = subset
  }

  /// A workload at its own address, which no service's name can be taken for.
  init(workload uid: String, port: UInt16) {
    self.init(service: ServiceKey(namespace: uid, hostname: ""), port: port, subset: nil)
  }

  /// The uid of such a workload.
  var workload: String? { service.hostname.isEmpty ? service.namespace : nil }

  /// By what nearly always tells two apart; everything is compared.
  func hash(into hasher: inout Hasher) {
    hasher.combine(service.hostname.isEmpty ? service.namespace : service.hostname)
    hasher.combine(port)
  }
}
