import Bytes
import H2Engine
import HBONE
import HTTPModel
import MeshIndex
import MeshModel
import Reactor

/// A connection that a pod's application opened: find out where it was going, choose how to get there, and
/// try again elsewhere as long as no byte of the application has been delivered.
final class Outbound: Opening, TunnelUser {
  private unowned let connection: Connection
  private let source: SocketAddress
  private let destination: SocketAddress
  /// Addresses that were tried for this connection and did not work.
  private var tried: [SocketAddress] = []
  private var endpoint: Endpoint?
  private var tunnel: Tunnel?
  /// The present endpoint has been asked a second time.
  private var hasAskedAgain = false
  private var lastFailure = ConnectionRecord.Outcome.refused(.notReady, peer: false)
  /// Waits for the mesh, for credentials or for a waypoint, not for a peer.
  private var isHeld = false
  /// It has been held for a waypoint: `giveUpHolding` is the end of that.
  private var holdsForWaypoint = false
  private let begun: Instant
  private var giveUpHolding: Instant
  /// The endpoint is a waypoint: it answers for all endpoints behind it, so only its own absence is a reason
  /// to try another.
  private var isThroughWaypoint = false
  /// The connection has been open, through a waypoint that died.
  private var isCarried = false
  /// The connection's place in a trace, once it is known whose it is.
  private var place: Traceparent?

  private init(_ connection: Connection, source: SocketAddress, destination: SocketAddress) {
    self.connection = connection
    self.source = source
    self.destination = destination
    begun = connection.worker.now
    giveUpHolding = begun + Limits.awaitMesh
  }

  static func begin(_ socket: consuming Socket, from source: SocketAddress, pod: EnrolledPod, worker: Worker)
  {
    // A connection that capture does not know was made to our port directly: there is nowhere to relay it.
    guard let destination = worker.capture.originalDestination(of: socket.descriptor) else {
      socket.abortOnClose()
      return
    }
    // A look at the pod's capture that comes too late to count.
    if pod.captureCheck != nil, destination == CaptureCheck.nowhere(destination.ip.family) {
      socket.abortOnClose()
      return
    }
    guard let connection = Connection.place(socket, AwaitingStart(), pod: pod, worker: worker) else { return }
    let outbound = Outbound(connection, source: source, destination: destination)
    connection.stage = .opening(outbound)
    connection.journal = Journal(
      .outbound,
      source: .init(
        address: source, workload: pod.facts.name, namespace: pod.facts.namespace,
        identity: pod.facts.identity),
      destination: .init(address: destination), at: worker.now)
    connection.journal?.original = destination
    outbound.route()
  }

  /// The waypoint that an open connection led through has died: another waypoint takes its place, and nothing
  /// else does.
  static func again(_ connection: Connection) {
    guard let source = connection.journal?.source.address, let destination = connection.journal?.original
    else { return connection.abort(.failed("the waypoint died")) }
    let outbound = Outbound(connection, source: source, destination: destination)
    outbound.isCarried = true
    outbound.place = connection.carried?.place
    connection.stage = .opening(outbound)
    outbound.route()
  }

  private var worker: Worker { connection.worker }
  private var pod: EnrolledPod { connection.pod }

  // MARK: Choosing

  /// Decides from the newest snapshot; called again whenever something it waited for may have come.
  private func route() {
    isHeld = false
    pod.dismiss(connection)
    guard let workload = pod.workload(in: worker.mesh) else { return hold() }
    connection.journal?.source = .init(address: source, workload: workload, identity: pod.facts.identity)
    // The span of a connection that goes on stays what it is.
    if place == nil { settlePlace(workload) }
    let route = worker.mesh.route(to: destination, from: workload)
    if isCarried, !route.mayReplaceWaypoint {
      lastFailure = .failed("the waypoint died, and the destination has none any more")
      return refuse()
    }
    switch route {
    case .passthrough, .local: dialPlainly(destination)
    case .plaintext(let endpoint): dialPlainly(endpoint.address)
    case .direct(let endpoint): reach(endpoint)
    case .service(let route):
      connection.journal?.service = route.service.key
      guard tried.count < Limits.endpointAttempts,
        let endpoint = worker.mesh.pick(route, excluding: tried, using: &worker.random)
      else { return refuse() }
      reach(endpoint)
    case .waypoint(let route):
      connection.journal?.service = route.service
      let turn = worker.turns.next(for: route.waypoint, using: &worker.random)
      guard let endpoint = worker.mesh.pick(route, excluding: tried, turn: turn) else {
        return awaitWaypoint(route.waypoint)
      }
      isThroughWaypoint = true
      connection.journal?.destination = .init(address: destination)
      reach(endpoint)
    // Not ready may become ready within the time that a caller can be held.
    case .refuse(.notReady): hold()
    case .refuse(let reason):
      lastFailure = .refused(reason, peer: false)
      refuse()
    }
  }

  private func settlePlace(_ workload: Workload) {
    let isKept = worker.keepsSpan(of: workload, .client)
    let place = Traceparent(using: &worker.random, isSampled: isKept)
    self.place = place
    if isKept { connection.journal?.trace = SpanMark(place, parent: 0) }
  }

  private func hold() {
    guard worker.now < giveUpHolding, admit() else { return refuse() }
    isHeld = true
    connection.setDeadline(giveUpHolding)
  }

  /// No waypoint takes the connection: it is held while one is started, or while the one that has crashed is
  /// replaced. Those that failed are tried again, because the mesh may not know of a successor at the same
  /// address.
  private func awaitWaypoint(_ waypoint: ServiceKey) {
    worker.demand(waypoint)
    tried = []
    holdsForWaypoint = true
    giveUpHolding = begun + Limits.awaitWaypoint
    hold()
    if isHeld { connection.setDeadline(min(giveUpHolding, worker.now + Limits.waypointPause)) }
  }

  private func admit() -> Bool {
    if pod.admit(connection) { return true }
    worker.turnedAway.add(.waiting)
    lastFailure = .failed(TurnedAway.tooManyWait)
    return false
  }

  private func refuse() { connection.abort(lastFailure) }

  /// Asks the endpoint, after `lost` on a tunnel opened since.
  private func reach(_ endpoint: Endpoint, after lost: Tunnel? = nil) {
    self.endpoint = endpoint
    connection.journal?.destination = .init(
      address: endpoint.address, workload: endpoint.workload, identity: endpoint.identities.first)
    guard endpoint.tunnel == .hbone else { return dialPlainly(endpoint.address) }
    guard let credentials = worker.credentials[pod.facts.identity] else { return hold() }
    guard !credentials.isExpired(at: worker.wall) else {
      lastFailure = .refused(.certificateExpired(.source), peer: false)
      return refuse()
    }
    let key = TunnelKey(address: endpoint.tunnelAddress, identities: endpoint.identities)
    connection.journal?.tunnelAddress = key.address
    connection.journal?.isMutualTLS = true
    let hasAlternatives = isService && tried.count + 1 < Limits.endpointAttempts
    let patience = hasAlternatives ? Limits.tunnelSetupWithAlternatives : Limits.tunnelSetup
    // Whoever has waited for a waypoint is held no longer for a dial that comes late.
    let deadline = worker.now + patience
    connection.setDeadline(holdsForWaypoint ? min(deadline, giveUpHolding) : deadline)
    do throws(SystemError) {
      let tunnel = try pod.tunnel(for: key, credentials, after: lost, worker: worker)
      guard tunnel.stage == .open || admit() else { return refuse() }
      self.tunnel = tunnel
      tunnel.request(self)
    } catch {
      tunnelFailed(.unreachable(error))
    }
  }

  private var isService: Bool { connection.journal?.service != nil }

  // MARK: Plain

  private func dialPlainly(_ address: SocketAddress) {
    PlainDial.begin(to: address, for: connection) { [self] error in
      lastFailure = .failed("\(address) cannot be reached: \(error)")
      tryAnother()
    }
  }

  // MARK: Through a tunnel

  /// The tunnel takes streams: ask for one.
  func tunnelOpened(_ tunnel: Tunnel) {
    pod.dismiss(connection)
    guard let endpoint else { return }
    var request = ConnectRequest(to: .address(endpoint.address), baggage: tunnel.baggage)
    request.forwarded = Forwarded(client: source, host: connection.journal?.service?.hostname)
    request.traceparent = place
    do throws(H2Error) {
      let stream = try tunnel.open(request, for: connection)
      connection.partner = .stream(tunnel, stream)
      connection.setDeadline(worker.now + Limits.connectAnswer)
    } catch {
      tunnelLost(tunnel, .broken(error))
    }
  }

  /// The tunnel could not be opened.
  func tunnelFailed(_ reason: Tunnel.End) {
    lastFailure = tunnel?.outcome(of: reason, reason.description) ?? .failed(reason.description)
    tunnel = nil
    tryAnother()
  }

  /// An open tunnel has ended, and our request with it.
  func tunnelLost(_ lost: Tunnel, _ reason: Tunnel.End) {
    tunnel = nil
    connection.partner = .none
    connection.isStreamClosed = false
    lastFailure = lost.outcome(of: reason, reason.description)
    // A peer that does not trust us says so when the handshake is over for us; it will say the same again.
    if case .untrusted = reason { return tryAnother() }
    askAgain(after: lost)
  }

  func answered(_ fields: [Field]) {
    guard let answer = ConnectAnswer.read(fields) else { return }
    switch answer {
    case .opened:
      if isCarried {
        // Of another tunnel.
        connection.noteNetwork()
      } else if isThroughWaypoint {
        connection.carried = CarriedRequest(place)
      }
      connection.beginRelaying(expectingBytes: true)
    case .refused(let reason):
      lastFailure = .refused(reason, peer: true)
      leaveStream()
      if allowsAnother(reason) { tryAnother() } else { refuse() }
    case .malformed:
      lastFailure = .failed("the peer does not serve \(endpoint?.address.description ?? "this address")")
      leaveStream()
      // An address that has passed to another pod: as good as gone.
      tryAnother()
    case .other(let status):
      lastFailure = .failed("the peer answered \(status)")
      leaveStream()
      if status == 503 { tryAnother() } else { refuse() }
    }
  }

  /// The stream ended without an answer: nothing was delivered.
  func streamEnded(_ code: H2Code) {
    guard case .stream(let tunnel, _) = connection.partner else { return }
    lastFailure = .failed("the peer reset the request (\(code))")
    leaveStream()
    if code == .refusedStream { askAgain(after: tunnel) } else { tryAnother() }
  }

  /// The request was lost, and the peer has not acted on it: the tunnel died with it, or takes no more. That
  /// says nothing of the endpoint, which is asked once more, on another tunnel.
  private func askAgain(after lost: Tunnel) {
    guard let endpoint, !hasAskedAgain, !pod.isWithdrawn else { return tryAnother() }
    hasAskedAgain = true
    reach(endpoint, after: lost)
  }

  private func leaveStream() {
    if case .stream(let tunnel, let stream) = connection.partner {
      tunnel.reset(stream, .cancel)
      tunnel.forget(stream, unread: 0)
    }
    connection.partner = .none
    connection.isStreamClosed = false
    tunnel = nil
  }

  private func allowsAnother(_ reason: RefusalReason) -> Bool {
    isThroughWaypoint ? reason == .notReady : reason.allowsAnotherEndpoint
  }

  private func tryAnother() {
    guard isService || isThroughWaypoint, let endpoint, !pod.isWithdrawn else { return refuse() }
    tried.append(isThroughWaypoint ? endpoint.tunnelAddress : endpoint.address)
    self.endpoint = nil
    isThroughWaypoint = false
    hasAskedAgain = false
    route()
  }

  // MARK: Waking

  func ready(_ readiness: Readiness) {
    guard !readiness.isDisjoint(with: [.failed, .hangUp]) else { return }
    connection.abort(.failed("the application left before the connection was open"))
  }

  func deadlinePassed() {
    if isHeld { return worker.now < giveUpHolding ? route() : refuse() }
    lastFailure = .failed("\(endpoint?.address.description ?? "the peer") did not answer in time")
    tunnel?.withdraw(self)
    leaveStream()
    tryAnother()
  }

  func meshChanged() { if isHeld { route() } }
  func denied(_ reason: RefusalReason) {}
  func credentialsChanged() { if isHeld { route() } }
  func connectionEnded() { tunnel?.withdraw(self) }
}

extension Route {
  /// A waypoint, or none of which is known yet: not a way without one.
  fileprivate var mayReplaceWaypoint: Bool {
    switch self {
    case .waypoint, .refuse: true
    case .passthrough, .local, .plaintext, .direct, .service: false
    }
  }
}

extension EnrolledPod {
  /// A tunnel of that key with room for a stream, made if there is none. After one was `lost`, those that
  /// were open by then may be lost too and do not count.
  func tunnel(
    for key: TunnelKey, _ credentials: WorkloadTLS, after lost: Tunnel?, worker: Worker
  ) throws(SystemError) -> Tunnel {
    let found = tunnels[key]?.first { tunnel in
      guard tunnel.canOpen, tunnel.generation == credentials.generation else { return false }
      guard let lost else { return true }
      guard tunnel !== lost else { return false }
      return tunnel.opened.map { $0 >= worker.now } ?? true
    }
    if let found { return found }
    let tunnel = try Tunnel.dial(key, credentials, pod: self, worker: worker)
    tunnels[key, default: []].append(tunnel)
    return tunnel
  }
}
