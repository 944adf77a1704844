public import Bytes
public import HTTPExchange
public import HTTPModel
import HTTPRouting
public import MeshIndex
public import MeshModel
import PolicyEngine
import Reactor
import Resilience
public import Tokens

/// A waypoint's requests on one worker: everything between the clients' pipes and the endpoints' pipes. It
/// belongs to its worker's thread.
public final class RequestProxy {
  unowned let world: any RequestWorld
  private let base: HTTPLimits
  /// Connections keep those with which they began.
  private(set) var limits: HTTPLimits
  /// Bytes that wait for clients or for endpoints, of all connections of clients.
  private(set) var held = 0
  /// The waypoint's own service: what is bound to it is served, and nothing else.
  let waypoint: ServiceKey
  private(set) var mesh = MeshSnapshot.unknown
  /// There is a collector of traces.
  public var keepsTraces = false
  private(set) var tables: WaypointTables?
  /// Of issuers, as far as they were fetched.
  private(set) var keys = TokenKeys.none
  /// Tokens that were believed.
  var tokens = TokenMemory()
  var guards = WorkloadGuards()
  /// Told where keys were fetched when a token names another one; it may be called for every request.
  public var askForKeys: ((String) -> Void)?
  private var destinations: [DestinationKey: Destination] = [:]
  private var downstreams: [ObjectIdentifier: Downstream] = [:]
  private var deadlines = Deadlines()
  private var timed: [UInt64: any Timed] = [:]
  private var lastToken: UInt64 = 0
  let replays = ReplayAllowance()
  var counters = RequestCounters()
  var random = FastRandom()
  /// What rules leave to chance, and nothing else: with a seed the same requests have the same luck.
  var chance: FastRandom
  private(set) var isDraining = false

  public init(
    waypoint: ServiceKey, world: any RequestWorld, limits: HTTPLimits = HTTPLimits(), seed: UInt64? = nil
  ) {
    chance = seed.map(FastRandom.init(seed:)) ?? FastRandom()
    self.waypoint = waypoint
    self.world = world
    base = limits
    self.limits = limits
  }

  var now: Instant { world.now }

  // MARK: What it knows

  public func adopt(_ mesh: MeshSnapshot) {
    let isJudged = self.mesh.policyRevision != mesh.policyRevision
    self.mesh = mesh
    guards.forgetMesh()
    forgetWorkloads()
    if isJudged { judgeAgain() }
  }

  /// What was kept for workloads at their own addresses goes with them.
  private func forgetWorkloads() {
    for (key, destination) in destinations {
      guard let uid = key.workload, mesh.workload(uid: uid) == nil else { continue }
      destination.pool?.drain()
      destinations[key] = nil
    }
  }

  /// Requests under way go on as they were decided; the next ones follow the new rules.
  public func adopt(_ tables: WaypointTables) {
    self.tables = tables
    limits = tables.limits(over: base)
    tokens.forget()
    guards.forgetChecks()
    // Connections keep their pool until they end.
    for destination in destinations.values { destination.pool?.drain() }
    destinations = [:]
  }

  public func adopt(_ keys: TokenKeys) {
    self.keys = keys
    tokens.forget()
  }

  /// True when there is enough to serve with: rules and the mesh.
  public var isReady: Bool { tables != nil && mesh.isSynced }

  /// Clients' connections.
  public var load: Int { downstreams.count }

  /// The workload at an address, as the mesh is known.
  public func workload(at address: IPAddress) -> Workload? { mesh.workload(at: address) }

  // MARK: Clients

  /// Takes a client's connection to an address; the owner of its pipe, or why it is refused. `trace`: its
  /// place in one, as the client's agent says.
  public func accept(
    _ pipe: any Pipe, for origin: Origin, to address: SocketAddress, in trace: Traceparent? = nil
  ) -> Result<any PipeOwner, RequestRefusal> {
    guard let tables, mesh.isSynced else { return .failure(.init(.notReady)) }
    guard let target = target(address, from: origin) else { return .failure(.init(.gone)) }
    let declared = target.service.flatMap { tables.declared($0, port: address.port) }
    let downstream = Downstream(
      pipe, for: origin, to: target, declared: declared, tables: tables, proxy: self)
    downstream.trace = trace
    downstreams[ObjectIdentifier(downstream)] = downstream
    return .success(downstream)
  }

  /// What of this waypoint's is at the address; nil for anything else.
  private func target(_ address: SocketAddress, from origin: Origin) -> Target? {
    if let workload = mesh.workload(at: address.ip) {
      return workload.waypoint == waypoint ? Target(address: address, service: nil, workload: workload) : nil
    }
    guard let service = mesh.service(at: address.ip, for: origin.namespace), service.waypoint == waypoint,
      service.ports.contains(where: { $0.servicePort == address.port })
    else { return nil }
    return Target(address: address, service: service.key, workload: nil)
  }

  var live: some Collection<Downstream> { downstreams.values }
  var knownDestinations: some Collection<Destination> { destinations.values }

  func left(_ downstream: Downstream) { downstreams[ObjectIdentifier(downstream)] = nil }

  /// Clients are told to go elsewhere; what is under way goes on.
  public func drain() {
    isDraining = true
    for downstream in downstreams.values { downstream.drain() }
    for destination in destinations.values { destination.pool?.drain() }
  }

  // MARK: Destinations

  /// Nil when there is no such subset.
  func destination(_ key: DestinationKey, _ tables: WaypointTables) -> Destination? {
    if let found = destinations[key] {
      found.follow(mesh, now: now, using: &random)
      return found
    }
    guard let choice = tables.choice(key) else { return nil }
    let made = Destination(key, choice, tables)
    destinations[key] = made
    made.follow(mesh, now: now, using: &random)
    return made
  }

  /// A workload at its own address, for which there are no rules.
  func destination(_ workload: Workload, port: UInt16, _ tables: WaypointTables) -> Destination {
    let key = DestinationKey(workload: workload.uid, port: port)
    if let found = destinations[key] {
      found.follow(mesh)
      return found
    }
    let made = Destination(key, .init(labels: [:], policy: TrafficPolicy()), tables)
    destinations[key] = made
    return made
  }

  func pool(of destination: Destination) -> UpstreamPool {
    if let found = destination.pool { return found }
    let made = UpstreamPool(destination, limits: limits, proxy: self)
    destination.pool = made
    return made
  }

  // MARK: Policy

  /// Why the client may not reach the endpoint; nil when it may. The waypoint asks what agents leave to it;
  /// others before whom it does not stand have agents or waypoints of their own that ask. Without a request,
  /// what policies ask of one is taken the stricter way.
  func refusal(
    of origin: Origin, at endpoint: MeshIndex.Endpoint, request: RequestFacts? = nil
  ) -> RefusalReason? {
    guard endpoint.workload.waypoint == waypoint else { return nil }
    return refusal(
      of: origin, at: endpoint, by: guards.standing(of: endpoint.workload, mesh), request: request)
  }

  /// The same of a workload behind this waypoint, with what binds it at hand.
  func refusal(
    of origin: Origin, at endpoint: MeshIndex.Endpoint, by standing: WorkloadGuards.Standing,
    request: RequestFacts?
  ) -> RefusalReason? {
    verdict(
      peer: Peer(identity: origin.identity, address: origin.address),
      destination: PolicyEngine.Destination(workload: endpoint.workload, address: endpoint.address),
      request: request, policies: standing.policies
    ).refusal
  }

  /// Workloads that stand for a service where a request is answered without any.
  func judges(of service: ServiceKey, port: UInt16) -> [MeshIndex.Endpoint] {
    guards.judges(of: service, port: port, behind: waypoint, mesh)
  }

  /// Where an endpoint is reached: an endpoint behind another waypoint through that one; nil when it does not
  /// run.
  func way(to endpoint: MeshIndex.Endpoint) -> MeshIndex.Endpoint? {
    guard let other = endpoint.workload.waypoint, other != waypoint else { return endpoint }
    return mesh.pick(
      WaypointRoute(waypoint: other, destination: endpoint.address),
      turn: UInt(truncatingIfNeeded: random.next()))
  }

  // MARK: Time

  /// Calls `deadlinePassed` at that time; the token cancels it.
  func wake(_ target: any Timed, at when: Instant) -> UInt64 {
    lastToken += 1
    timed[lastToken] = target
    deadlines.add(when, token: lastToken)
    world.wake(at: when)
    return lastToken
  }

  func cancel(_ token: UInt64?) {
    guard let token, timed.removeValue(forKey: token) != nil else { return }
    // Most requests end long before their time: what is left of them must not outgrow those under way.
    guard deadlines.count > 2 * timed.count + Self.deadlineSlack else { return }
    deadlines.keep { timed[$0] != nil }
  }

  /// Deadlines of ended requests that may be kept before they are swept.
  private static let deadlineSlack = 4_096

  /// Does what was due.
  public func advance(to now: Instant) {
    while let token = deadlines.pop(before: now) {
      timed.removeValue(forKey: token)?.deadlinePassed(token)
    }
    for destination in destinations.values { destination.pool?.advance(to: now) }
    shed()
    if let next = deadlines.earliest { world.wake(at: next) }
  }
}

extension RequestProxy {
  /// A connection holds more, or less.
  func hold(_ change: Int) {
    held += change
    // Not at once: this is told from within the work of some connection.
    if held > base.maximumHeld { world.wake(at: now) }
  }

  /// Too much waits: whoever holds the most loses it, so that the others need not.
  private func shed() {
    while held > base.maximumHeld {
      guard let worst = live.max(by: { $0.held < $1.held }), worst.held > 0 else { return }
      worst.endForMemory()
    }
  }
}

/// Something that waits for a time.
protocol Timed: AnyObject {
  func deadlinePassed(_ token: UInt64)
}

/// Why a client's connection is not taken.
public struct RequestRefusal: Error, Hashable, Sendable {
  public let reason: RefusalReason

  init(_ reason: RefusalReason) { self.reason = reason }
}

/// What a client's connection is addressed to.
struct Target {
  /// As the application dialed it.
  let address: SocketAddress
  let service: ServiceKey?
  /// When it is a workload's own address.
  let workload: Workload?
}
