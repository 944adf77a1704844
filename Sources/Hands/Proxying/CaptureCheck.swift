import Bytes
import MeshModel
import Reactor

/// Finds out again and again whether capture holds for one pod: by what becomes of connections that are made
/// in its namespace as its own processes, and somebody outside, would make them.
///
/// Outward: a socket that is not exempt dials an address that nobody has, and stays near. The connect hook
/// must bring it to our own listener, with that address noted; where nothing does, there is no route, and no
/// packet leaves. Inward: a socket with an address of nobody dials the pod's own port 15006, where our
/// listener is only on loopback: the sk_lookup program must bring it there; without it the port is closed.
final class CaptureCheck: PollTarget {
  /// From one look to the next, in which the first must have ended. Two in a row must fail before it is told,
  /// so a violation is told within three of these.
  static let period = Interval.milliseconds(1_250)
  private static let failuresToTell = 2

  /// A connection on its way to a listener of ours.
  private final class Attempt {
    let kind: PodSockets.Kind
    let family: IPAddress.Family
    let socket: Socket
    let source: SocketAddress

    init(_ kind: PodSockets.Kind, _ family: IPAddress.Family, _ socket: consuming Socket) throws(SystemError)
    {
      source = try socket.localAddress()
      self.kind = kind
      self.family = family
      self.socket = socket
    }
  }

  private unowned let pod: EnrolledPod
  private unowned let worker: Worker
  private let token: UInt64
  private let tell: @Sendable (CaptureFinding) -> Void
  private var pending: [Attempt] = []
  /// Of this look: what failed at once.
  private var fault: String?
  private var isLooking = false
  private var failures = 0
  private var told: String?

  private init(
    _ pod: EnrolledPod, _ worker: Worker, _ token: UInt64,
    _ tell: @escaping @Sendable (CaptureFinding) -> Void
  ) {
    self.pod = pod
    self.worker = worker
    self.token = token
    self.tell = tell
  }

  /// Begins a little later: a pod is captured after its worker has it, and not all pods at once.
  static func begin(
    _ pod: EnrolledPod, on worker: Worker, _ tell: @escaping @Sendable (CaptureFinding) -> Void
  ) -> CaptureCheck? {
    var made: CaptureCheck?
    worker.register { token in
      let check = CaptureCheck(pod, worker, token, tell)
      made = check
      return check
    }
    let delay = UInt64.random(in: 0...period.nanoseconds, using: &worker.random)
    if let made { worker.wake(made.token, at: worker.now + Interval(nanoseconds: delay)) }
    return made
  }

  func end() {
    pending = []
    worker.retire(token, nil)
  }

  func ready(_ readiness: Readiness) {}

  func deadlinePassed() {
    if isLooking { conclude() }
    isLooking = look()
    // What failed at once needs no time to arrive.
    if fault != nil { conclude() }
    worker.wake(token, at: worker.now + Self.period)
  }

  /// Whether a connection that was accepted is one of ours, which ends here.
  func takes(_ socket: borrowing Socket, from peer: SocketAddress, as kind: PodSockets.Kind) -> Bool {
    guard let index = pending.firstIndex(where: { $0.source == peer && $0.kind == kind }) else {
      return false
    }
    let attempt = pending[index]
    let arrived =
      switch kind {
      case .outbound:
        worker.capture.originalDestination(of: socket.descriptor) == Self.nowhere(attempt.family)
      case .plaintext: (try? socket.localAddress())?.port == MeshPort.inboundPlaintext
      case .hbone: false
      }
    if arrived { pending.remove(at: index) }
    return true
  }

  // MARK: One look

  /// An address for documentation or to be discarded (RFC 5737, RFC 6666): nobody has it.
  static func nowhere(_ family: IPAddress.Family) -> SocketAddress {
    switch family {
    case .v4: SocketAddress(IPAddress(v4: 0xc000_0201), MeshPort.inboundPlaintext)
    case .v6: SocketAddress(IPAddress(high: 0x0100_0000_0000_0000, low: 1), MeshPort.inboundPlaintext)
    }
  }

  /// True when connections are on their way. Without the means to make them, such as descriptors, nothing is
  /// seen, and so nothing is said.
  private func look() -> Bool {
    fault = nil
    do throws(SystemError) {
      try pod.facts.sockets.namespace.inside(returningTo: worker.home) { () throws(SystemError) in
        for address in pod.facts.addresses {
          try dialOut(address.family)
          try dialIn(address)
        }
      }
      return fault == nil
    } catch {
      pending = []
      fault = nil
      return false
    }
  }

  private func dialOut(_ family: IPAddress.Family) throws(SystemError) {
    let socket = try Socket(family)
    socket.abortOnClose()
    try socket.stayNear(family)
    do throws(SystemError) {
      _ = try socket.connect(to: Self.nowhere(family))
    } catch {
      guard error.isVerdict else { throw error }
      return fault = fault ?? Self.text(.outbound, family, "pass the agent by (\(error))")
    }
    pending.append(try Attempt(.outbound, family, socket))
  }

  private func dialIn(_ own: IPAddress) throws(SystemError) {
    let socket = try Socket(own.family)
    socket.abortOnClose()
    try socket.setTransparent(own.family)
    try socket.setMark(OnwardDial.mark)
    try socket.bind(to: SocketAddress(Self.nowhere(own.family).ip, 0))
    do throws(SystemError) {
      _ = try socket.connect(to: SocketAddress(own, MeshPort.inboundPlaintext))
    } catch {
      guard error.isVerdict else { throw error }
      return fault = fault ?? Self.text(.plaintext, own.family, "pass the agent by (\(error))")
    }
    pending.append(try Attempt(.plaintext, own.family, socket))
  }

  private func conclude() {
    let problem = fault ?? pending.first.map { Self.text($0.kind, $0.family, "do not reach the agent") }
    pending = []
    fault = nil
    failures = problem == nil ? 0 : failures + 1
    if problem == nil { worker.captureChecks += 1 }
    guard problem == nil || failures >= Self.failuresToTell, (problem == nil) != (told == nil) else { return }
    told = problem
    tell(
      CaptureFinding(
        uid: pod.facts.uid, workload: "\(pod.facts.namespace)/\(pod.facts.name)", problem: problem))
  }

  private static func text(_ kind: PodSockets.Kind, _ family: IPAddress.Family, _ what: String) -> String {
    let version = family == .v4 ? "IPv4" : "IPv6"
    return "\(version) connections that it \(kind == .outbound ? "opens" : "is called by") \(what)"
  }
}

extension SystemError {
  /// The kernel's answer to where a connection goes, and not a lack of something to make it with.
  fileprivate var isVerdict: Bool { isRefused || isUnreachable || isNotPermitted }
}
