import Bytes
import HTTPExchange
import MeshIndex
import MeshModel
import Resilience

/// What two requests must have in common to share a connection to an endpoint. The client is part of it: the
/// application is told by its connection who calls.
struct UpstreamKey: Hashable {
  let endpoint: EndpointID
  /// An endpoint that takes tunnels now has no request in a plain connection of before.
  let tunnel: Workload.TunnelProtocol
  let origin: Origin
  let version: HTTPVersion
  /// Of a server that was told it in a handshake, when requests decide.
  let serverName: String?
}

/// The connections of one worker to the endpoints of one destination.
final class UpstreamPool {
  let policy: TrafficPolicy
  let limits: HTTPLimits
  private let breaker: CircuitBreaker
  private let originator: Originator?
  unowned let proxy: RequestProxy
  private var connections: [UpstreamKey: [Upstream]] = [:]
  /// Idle connections in the order in which they became so; some may have been taken since.
  private var idle: [Upstream] = []

  /// Idle connections kept in all; the oldest is closed for one more.
  private static let maximumIdle = 1_024

  init(_ destination: Destination, limits: HTTPLimits, proxy: RequestProxy) {
    policy = destination.policy
    breaker = destination.breaker
    originator = destination.originator
    self.limits = limits
    self.proxy = proxy
  }

  private(set) var isDraining = false

  var now: Instant { proxy.now }

  /// A connection with room, a new one if there is none. `host`: what the request calls the server.
  ///
  /// - Throws: when no more connections are allowed.
  func connection(
    to endpoint: MeshIndex.Endpoint, for origin: Origin, _ version: HTTPVersion, host: String
  ) throws(CircuitBreaker.Overflow) -> (upstream: Upstream, isFresh: Bool) {
    // The client's port changes with every connection of it, and means nothing to the application.
    let client = Origin(
      identity: origin.identity, address: SocketAddress(origin.address.ip, 0), namespace: origin.namespace)
    let securing = originator?.securing(endpoint, speaking: version, host: host)
    let key = UpstreamKey(
      endpoint: endpoint.resilienceID, tunnel: endpoint.tunnel, origin: client, version: version,
      serverName: securing?.originator.name(for: host))
    if let found = connections[key]?.last(where: { $0.takesUser(limit: limit) }) { return (found, false) }
    let made = Upstream(
      key, self, security: endpoint.security(with: securing), place: try breaker.admit(.connections))
    connections[key, default: []].append(made)
    made.dial(endpoint, securing)
    return (made, true)
  }

  private var limit: Int? { policy.pool.maxRequestsPerConnection.flatMap { $0 > 0 ? $0 : nil } }

  func retired(_ upstream: Upstream) {
    connections[upstream.key]?.removeAll { $0 === upstream }
    if connections[upstream.key]?.isEmpty == true { connections[upstream.key] = nil }
  }

  func becameIdle(_ upstream: Upstream) {
    idle.append(upstream)
    if idle.count > Self.maximumIdle { sweep(before: .none) }
    let patience = min(policy.pool.idleTimeout, policy.pool.maxConnectionDuration ?? .max)
    proxy.world.wake(at: now + .milliseconds(max(patience, 1)))
  }

  /// Closes what has been idle for too long, or is too old and idle.
  func advance(to now: Instant) {
    sweep(before: now)
  }

  private func sweep(before now: Instant?) {
    idle.removeAll { $0.isOver || $0.idleSince == nil }
    let timeout = Interval.milliseconds(max(policy.pool.idleTimeout, 1))
    let due = idle.filter { upstream in
      guard let now, let since = upstream.idleSince else { return false }
      return now - since >= timeout || upstream.hasAged
    }
    let extra = idle.count - due.count - Self.maximumIdle
    for upstream in due + (extra > 0 ? Array(idle.prefix(extra)) : []) { upstream.close() }
    idle.removeAll { $0.isOver }
  }

  /// Nothing new is given to the connections: idle ones are closed, the others when they are.
  func drain() {
    isDraining = true
    for upstream in connections.values.joined() where upstream.idleSince != nil { upstream.close() }
  }
}
