import Bytes
import H2Engine
import HBONE
import HTTPModel
import MeshIndex
import MeshModel
import Reactor
import TLSEngine

/// One HBONE session on its socket: TCP, TLS and HTTP/2 in one place, and the connections whose streams it
/// carries.
///
/// A client tunnel is opened by a pod's connections and shared by all of the same key; a server tunnel is
/// opened by a peer. It reads when the poller says so and writes once at the end of a tick.
final class Tunnel: PollTarget {
  enum Stage {
    case connecting
    case handshaking
    case open
    case over
  }

  /// Why a tunnel ended.
  enum End {
    /// TCP: nobody there, or it broke.
    case unreachable(SystemError)
    /// TLS: one refused the other, or what arrived was not TLS.
    case untrusted(TLSError)
    case broken(H2Error)
    /// The peer closed it, or answers no more; in the words of a record.
    case gone(String)
    /// We ended it; in the words of a record.
    case ended(String)

    var description: String {
      switch self {
      case .unreachable(let error): error.description
      case .untrusted(let error): "mutual TLS failed: \(error)"
      case .broken(let error): error.description
      case .gone(let text), .ended(let text): text
      }
    }

    /// The peer died, for all we know: neither of us has refused the other, nor have we ended it.
    var isLossOfPeer: Bool {
      switch self {
      case .unreachable, .broken, .gone: true
      case .untrusted, .ended: false
      }
    }
  }

  let socket: Socket
  let token: UInt64
  let pod: EnrolledPod
  unowned let worker: Worker
  let tls: TLSSession
  let generation: UInt64
  /// The last seconds, since 1970, of our certificate and of the peer's: afterwards no stream is opened.
  let ownNotAfter: Int64
  var peerNotAfter = Int64.max
  /// Set for tunnels that we opened.
  let key: TunnelKey?
  let peerAddress: SocketAddress
  let started: Instant
  /// When mutual TLS was complete.
  var opened: Instant?
  var session: H2Session?
  var stage: Stage
  var isDraining = false
  var isMarked = false

  /// Who is behind each stream.
  var connections: [Int32: any StreamEnd] = [:]
  /// Who waits for the tunnel to open, in order.
  var waiting: [any TunnelUser] = []
  /// Those that got something of the batch being handled.
  var touched: [any StreamEnd] = []
  /// Streams whose refusal is being sent; their peers need not end them.
  var refused: [Int32] = []
  private var interest = Readiness.readable
  private var deadline: Instant?
  var keepalive: Keepalive?
  var idleSince: Instant?

  private init(
    _ socket: consuming Socket, _ token: UInt64, _ pod: EnrolledPod, _ worker: Worker, _ tls: TLSSession,
    generation: UInt64, key: TunnelKey?, peer: SocketAddress, stage: Stage
  ) {
    ownNotAfter = tls.settings.credentials?.leaf.notAfter ?? .max
    self.socket = socket
    self.token = token
    self.pod = pod
    self.worker = worker
    self.tls = tls
    self.generation = generation
    self.key = key
    peerAddress = peer
    started = worker.now
    self.stage = stage
  }

  /// What we tell peers of our pod.
  var baggage: String? { pod.baggage(in: worker.mesh) }

  var openStreams: Int { session?.openStreams ?? 0 }

  /// Whether another stream may be opened here.
  var canOpen: Bool {
    guard !isDraining, stage != .over, expiredEnd == nil else { return false }
    let limit = session.map { min(HBONELimits.client.concurrentStreams, $0.peerMaxConcurrentStreams) }
    if let session, !session.takesRequests { return false }
    return connections.count + waiting.count < Int(limit ?? HBONELimits.client.concurrentStreams)
  }

  // MARK: Making

  /// Starts a tunnel from a pod to a peer, from a socket in the pod's namespace.
  static func dial(_ key: TunnelKey, _ credentials: WorkloadTLS, pod: EnrolledPod, worker: Worker)
    throws(SystemError) -> Tunnel
  {
    let tls: TLSSession
    do throws(TLSError) {
      tls = try TLSSession(credentials.client, role: .client, expecting: .identities(key.identities))
    } catch {
      throw SystemError("TLS (\(error))", code: 12)
    }
    let socket = try pod.facts.sockets.namespace.inside(returningTo: worker.home) {
      () throws(SystemError) -> Socket in try Socket(key.address.ip.family)
    }
    guard worker.capture.exempt(socket.descriptor) else { throw SystemError("exempt", code: 1) }
    socket.setNoDelay()
    socket.setKeepAlive()
    // The peer's agent sees who calls by this address: the pod's own, whatever other addresses the namespace
    // has.
    if let own = pod.facts.addresses.first(where: { $0.family == key.address.ip.family }) {
      try socket.deferPortChoice()
      try socket.bind(to: SocketAddress(own, 0))
    }
    let isConnected = try socket.connect(to: key.address)
    let tunnel = place(
      socket, pod, worker, tls, generation: credentials.generation, key: key, peer: key.address,
      stage: .connecting)
    do throws(SystemError) {
      try worker.watch(tunnel.socket.descriptor, .writable, token: tunnel.token)
    } catch {
      worker.retire(tunnel.token, tunnel.socket.descriptor)
      throw error
    }
    tunnel.interest = .writable
    tunnel.setDeadline(worker.now + Limits.tunnelSetup)
    if isConnected { tunnel.connected() }
    return tunnel
  }

  /// Takes a peer's connection to a pod's HBONE port.
  static func serve(_ socket: consuming Socket, from peer: SocketAddress, pod: EnrolledPod, worker: Worker) {
    // Without a certificate nobody can be told anything; the dialer tries again or elsewhere.
    guard let credentials = worker.credentials[pod.facts.identity],
      makeRoom(for: peer, pod: pod, worker: worker)
    else {
      socket.abortOnClose()
      return
    }
    socket.setKeepAlive()
    let tls: TLSSession
    do throws(TLSError) {
      tls = try TLSSession(credentials.server, role: .server, expecting: .anyTrusted)
    } catch {
      socket.abortOnClose()
      return
    }
    let tunnel = place(
      socket, pod, worker, tls, generation: credentials.generation, key: nil, peer: peer, stage: .handshaking)
    do throws(SystemError) {
      try worker.watch(tunnel.socket.descriptor, .readable, token: tunnel.token)
    } catch {
      return worker.retire(tunnel.token, tunnel.socket.descriptor)
    }
    pod.served[tunnel.token] = tunnel
    pod.handshakes.begin(tunnel.token, from: peer.ip)
    tunnel.setDeadline(worker.now + Limits.tunnelSetup)
  }

  private static func place(
    _ socket: consuming Socket, _ pod: EnrolledPod, _ worker: Worker, _ tls: TLSSession, generation: UInt64,
    key: TunnelKey?, peer: SocketAddress, stage: Stage
  ) -> Tunnel {
    var made: Tunnel?
    var taken: Socket? = consume socket
    worker.register { token in
      guard let socket = taken.take() else { preconditionFailure("a slot is filled once") }
      let tunnel = Tunnel(
        socket, token, pod, worker, tls, generation: generation, key: key, peer: peer, stage: stage)
      made = tunnel
      return tunnel
    }
    guard let tunnel = made else { preconditionFailure("the slab calls its maker") }
    return tunnel
  }

  // MARK: Waking

  func ready(_ readiness: Readiness) {
    if stage == .connecting {
      if let error = socket.connectError() { return end(.unreachable(error)) }
      guard readiness.contains(.writable) else { return }
      return connected()
    }
    if readiness.contains(.writable) { worker.mark(self) }
    if !readiness.isDisjoint(with: [.readable, .hangUp, .failed]) { receive() }
  }

  private func connected() {
    stage = .handshaking
    setInterest(.readable)
    do throws(TLSError) {
      try tls.start()
    } catch {
      return end(.untrusted(error))
    }
    worker.mark(self)
  }

  func deadlinePassed() {
    guard let deadline, deadline <= worker.now else { return }
    self.deadline = nil
    if tls.outgoing.isEmpty { tls.outgoing.clear() }
    guard stage == .open else {
      return end(
        stage == .connecting ? .unreachable(.timedOut) : .ended("no mutual TLS within the time limit"))
    }
    switch keepalive?.advance(to: worker.now) ?? .nothing {
    case .nothing: break
    case .ping(let payload):
      session?.ping(payload)
      worker.mark(self)
    case .dead: return end(.gone("the peer does not answer"))
    }
    guard !endIfIdle() else { return }
    let next = [keepalive?.deadline, idleDeadline].compactMap { $0 }.min()
    setDeadline(next)
  }

  func setDeadline(_ when: Instant?) {
    deadline = when
    if let when { worker.wake(token, at: when) }
  }

  func setInterest(_ wanted: Readiness) {
    guard wanted != interest else { return }
    interest = wanted
    worker.rewatch(socket.descriptor, wanted, token: token)
  }

  // MARK: Ending

  /// No new streams; the present ones go on, and the tunnel ends with the last.
  func drain() {
    guard !isDraining else { return }
    isDraining = true
    leavePool()
    if stage == .open { announceDrain() }
  }

  /// Tells the peer; the tunnel ends in a later flush, when its last stream has.
  func announceDrain() {
    isDraining = true
    session?.drain()
    worker.mark(self)
  }

  private func leavePool() {
    guard let key else { return }
    pod.tunnels[key]?.removeAll { $0 === self }
    if pod.tunnels[key]?.isEmpty == true { pod.tunnels[key] = nil }
  }

  /// Ends the tunnel and everything in it; the reason reaches every connection.
  func end(_ reason: End) {
    guard stage != .over else { return }
    let wasOpen = stage == .open
    stage = .over
    lastWords()
    leavePool()
    pod.served[token] = nil
    pod.handshakes.end(token)
    worker.retire(token, socket.descriptor)
    let openings = waiting
    waiting = []
    for opening in openings { opening.tunnelFailed(reason) }
    if !wasOpen {
      if key == nil { worker.tunnelCounts.strangers += 1 } else { worker.tunnelCounts.dialsFailed += 1 }
    }
    let orphans = connections.values
    connections = [:]
    for end in orphans { end.tunnelLost(self, reason) }
    if key == nil, !wasOpen {
      Self.recordRefusedPeer(
        outcome(of: reason, reason.description), peerAddress, since: started, pod: pod, worker: worker)
    }
  }

  /// Sends what is ready to go, an alert above all: the peer should learn why.
  private func lastWords() {
    if tls.isOpen { tls.close() }
    guard !tls.outgoing.isEmpty else { return }
    _ = try? tls.outgoing.withBytes { (bytes) throws(SystemError) in try socket.send(bytes) }
    socket.shutdownWrite()
  }
}
