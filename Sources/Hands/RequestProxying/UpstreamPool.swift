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

  /// By the addresses alone, which nearly always tell two apart; everything is compared.
  func hash(into hasher: inout Hasher) {
    hasher.combine(endpoint.address)
    hasher.combine(origin.address.ip)
  }
}

/// The connections of one worker to the endpoints of one destination.
final class UpstreamPool {
  let policy: TrafficPolicy
  let limits: HTTPLimits
  private let breaker: CircuitBreaker
  private let originator: Originator?
  unowned let proxy: RequestProxy
  private var groups: [UpstreamKey: Group] = [:]
  private var idle = IdleUpstreams()
  private(set) var isDraining = false

  /// Idle connections kept in all; the oldest is closed for one more.
  private static let maximumIdle = 1_024

  /// Connections that requests can share, and those of HTTP/1.x that carry none: found without looking at the
  /// busy ones. Some of these may have ended since.
  private struct Group {
    var all: [Upstream] = []
    var free: [Upstream] = []
  }

  init(_ destination: Destination, limits: HTTPLimits, proxy: RequestProxy) {
    policy = destination.policy
    breaker = destination.breaker
    originator = destination.originator
    self.limits = limits
    self.proxy = proxy
  }

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
    if let found = free(key) { return (found, false) }
    let made = Upstream(
      key, self, security: endpoint.security(with: securing), place: try breaker.admit(.connections))
    groups[key, default: Group()].all.append(made)
    made.dial(endpoint, securing)
    return (made, true)
  }

  private func free(_ key: UpstreamKey) -> Upstream? {
    guard key.version == .http1 else { return groups[key]?.all.last { $0.takesUser(limit: limit) } }
    while let found = groups[key]?.free.popLast() { if found.takesUser(limit: limit) { return found } }
    return nil
  }

  private var limit: Int? { policy.pool.maxRequestsPerConnection.flatMap { $0 > 0 ? $0 : nil } }

  func retired(_ upstream: Upstream) {
    if upstream.idleSince != nil { idle.left() }
    groups[upstream.key]?.all.removeAll { $0 === upstream }
    if groups[upstream.key]?.all.isEmpty == true { groups[upstream.key] = nil }
  }

  // MARK: Idle connections

  func becameIdle(_ upstream: Upstream, at since: Instant) {
    if upstream.key.version == .http1 { groups[upstream.key]?.free.append(upstream) }
    idle.add(upstream, since: since)
    if idle.count > Self.maximumIdle { idle.oldest?.close() }
    watch()
  }

  func becameBusy(_ upstream: Upstream) { idle.left() }

  private var patience: Interval { .milliseconds(max(policy.pool.idleTimeout, 1)) }

  /// Closes what has been idle for too long, or is too old and idle.
  func advance(to now: Instant) {
    while let (upstream, since) = idle.first, now - since >= patience { upstream.close() }
    if policy.pool.maxConnectionDuration != nil {
      for upstream in groups.values.flatMap(\.all) where upstream.idleSince != nil && upstream.hasAged {
        upstream.close()
      }
    }
    watch()
  }

  /// Asks to be woken when the next one is due.
  private func watch() {
    guard let (_, since) = idle.first else { return }
    var due = since + patience
    if let longest = policy.pool.maxConnectionDuration {
      due = min(due, now + .milliseconds(max(longest, 1)))
    }
    proxy.world.wake(at: due)
  }

  /// Nothing new is given to the connections: idle ones are closed, the others when they are.
  func drain() {
    isDraining = true
    for upstream in groups.values.flatMap(\.all) where upstream.idleSince != nil { upstream.close() }
  }
}

/// Idle connections in the order in which they became so. Who is taken again stays in the list until its turn
/// comes: nothing is searched when a request begins or ends.
struct IdleUpstreams {
  private var entries: [(upstream: Upstream, since: Instant)] = []
  private var head = 0
  /// Connections that are idle now.
  private(set) var count = 0

  /// Entries that may be out of date before the list is made anew.
  private static let slack = 256

  mutating func add(_ upstream: Upstream, since: Instant) {
    count += 1
    entries.append((upstream, since))
    guard entries.count - head > 2 * count + Self.slack else { return }
    entries = entries[head...].filter { $0.upstream.idleSince == $0.since }
    head = 0
  }

  /// One of them is not idle any more.
  mutating func left() { count -= 1 }

  /// The one that has been idle for the longest time.
  var first: (upstream: Upstream, since: Instant)? {
    mutating get {
      while head < entries.count, entries[head].upstream.idleSince != entries[head].since { head += 1 }
      if head == entries.count {
        entries.removeAll(keepingCapacity: true)
        head = 0
        return nil
      }
      return entries[head]
    }
  }

  var oldest: Upstream? { mutating get { first?.upstream } }
}
