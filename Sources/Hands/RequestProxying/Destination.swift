import Bytes
import MeshIndex
import MeshModel
import Resilience

/// The endpoints of one port of a service (or of a subset of them) as one worker chooses among them, and what
/// it has learned of them.
final class Destination {
  let key: DestinationKey
  private(set) var policy: TrafficPolicy
  /// Begins TLS to the applications.
  let originator: Originator?
  let balancer: Balancer
  let breaker: CircuitBreaker
  let ledger: RetryLedger
  /// Made when the first request goes there.
  var pool: UpstreamPool?
  private var revision: UInt64 = 0
  private var endpoints: [EndpointID: MeshIndex.Endpoint] = [:]
  /// For records; made when an endpoint is first used.
  private var parties: [EndpointID: RequestParty] = [:]

  init(_ key: DestinationKey, _ choice: DestinationTraffic.Choice, _ tables: WaypointTables) {
    self.key = key
    policy = choice.policy
    originator = tables.originator(of: choice.policy)
    balancer = Balancer(choice.policy, subset: choice.labels)
    breaker = tables.breaker(key, choice.policy.pool)
    ledger = RetryLedger(choice.policy.retryBudget)
  }

  /// The endpoints are those of the snapshot.
  func follow(_ mesh: MeshSnapshot, now: Instant, using random: inout some RandomNumberGenerator) {
    guard revision != mesh.revision else { return }
    revision = mesh.revision
    let found = mesh.endpoints(of: key.service, port: key.port)
    parties = [:]
    endpoints = Dictionary(found.map { ($0.resilienceID, $0) }) { first, _ in first }
    balancer.update(
      found.map { endpoint in
        Resilience.Endpoint(
          endpoint.resilienceID, labels: endpoint.workload.subsetLabels, locality: endpoint.workload.locality)
      }, now: now, using: &random)
  }

  /// Of a workload at its own address there is nothing to choose, but what records tell of it may change.
  func follow(_ mesh: MeshSnapshot) {
    guard revision != mesh.revision else { return }
    revision = mesh.revision
    parties = [:]
  }

  func party(of endpoint: MeshIndex.Endpoint) -> RequestParty {
    let id = endpoint.resilienceID
    if let found = parties[id] { return found }
    let made = RequestParty(
      .init(address: nil, workload: endpoint.workload, identity: endpoint.provenIdentity))
    parties[id] = made
    return made
  }

  /// Where an endpoint that was picked is dialed; nil for one that has just gone.
  func endpoint(_ id: EndpointID) -> MeshIndex.Endpoint? { endpoints[id] }
}

extension MeshIndex.Endpoint {
  /// Nobody has proved anything in plain TCP.
  var provenIdentity: Identity? { tunnel == .hbone ? workload.identity : nil }

  var resilienceID: EndpointID { EndpointID(workload: workload.uid, address: address) }
}
