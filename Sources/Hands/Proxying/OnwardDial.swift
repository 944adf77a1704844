import Bytes
import HBONE
import MeshIndex
import MeshModel
import PolicyEngine
import Reactor

/// Dials the application of an enrolled pod on behalf of an authorized client, in the pod's namespace and
/// from the client's own address, so that the application sees who calls.
///
/// The way onward never passes capture again: the socket is bound to `lo` and marked, a rule of the pod's
/// namespace sends marked packets there, and the pod's sk_lookup program lets them through.
final class OnwardDial: Opening {
  /// Who waits for the application.
  enum Client {
    case plaintext(Connection)
    case stream(Tunnel, Int32)
  }

  /// The mark of onward packets, as the ecosystem has it (ztunnel's connection mark).
  static let mark: UInt32 = 0x111

  private unowned var upstream: Connection
  private let client: Client

  private init(_ upstream: Connection, _ client: Client) {
    self.upstream = upstream
    self.client = client
  }

  /// Starts dialing what the permit allows. The permit is used up: one permit, one dial.
  static func begin(
    _ permit: consuming Permit, from source: SocketAddress, for client: Client, judgement: Judgement,
    journal: consuming Journal?, pod: EnrolledPod, worker: Worker
  ) {
    let destination = permit.destination
    var isConnected = false
    let socket: Socket
    do throws(SystemError) {
      socket = try dial(destination, from: source, for: client, pod: pod, worker: worker, &isConnected)
    } catch {
      return refuse(client, journal, error, worker)
    }
    let interest: Readiness = isConnected ? Connection.relayed : .writable
    guard let upstream = Connection.place(socket, AwaitingStart(), for: interest, pod: pod, worker: worker)
    else {
      return refuse(client, journal, SystemError("epoll_ctl", code: 12), worker)
    }
    let opening = OnwardDial(upstream, client)
    upstream.stage = .opening(opening)
    switch client {
    case .plaintext(let downstream):
      downstream.judgement = judgement
      downstream.partner = .plain(upstream)
      upstream.partner = .plain(downstream)
    case .stream(let tunnel, let stream):
      upstream.judgement = judgement
      upstream.journal = journal
      upstream.partner = .stream(tunnel, stream)
      tunnel.attach(upstream, to: stream)
    }
    if isConnected {
      opening.connected()
    } else {
      upstream.setDeadline(worker.now + Limits.plainConnect)
    }
  }

  private static func dial(
    _ destination: SocketAddress, from source: SocketAddress, for client: Client, pod: EnrolledPod,
    worker: Worker,
    _ isConnected: inout Bool
  ) throws(SystemError) -> Socket {
    let keepsPort: Bool
    if case .plaintext = client { keepsPort = true } else { keepsPort = false }
    let isSelf = pod.facts.addresses.contains(source.ip)
    var last = SystemError("bind", code: 0)
    for _ in 0..<OnwardPorts.attempts {
      let socket = try pod.facts.sockets.namespace.inside(returningTo: worker.home) {
        () throws(SystemError) -> Socket in try Socket(destination.ip.family)
      }
      guard worker.capture.exempt(socket.descriptor) else { throw SystemError("exempt", code: 1) }
      socket.setNoDelay()
      if !isSelf {
        try socket.setTransparent(source.ip.family)
        try socket.setMark(mark)
        try socket.bindToDevice("lo")
      }
      do throws(SystemError) {
        if keepsPort, !isSelf {
          try socket.setReuseAddress()
          try socket.bind(to: SocketAddress(source.ip, pod.ports.next(avoiding: source.port)))
        } else if !isSelf {
          try socket.deferPortChoice()
          try socket.bind(to: SocketAddress(source.ip, 0))
        }
        isConnected = try socket.connectNearby(to: destination)
        return socket
      } catch {
        guard error.isAddressTaken else { throw error }
        last = error
      }
    }
    throw last
  }

  private static func refuse(_ client: Client, _ journal: Journal?, _ error: SystemError, _ worker: Worker) {
    refuse(
      client, journal, .failed("the application cannot be reached: \(error)"),
      error.isRefused ? .connectRefused : .notReady, worker)
  }

  private static func refuse(
    _ client: Client, _ journal: Journal?, _ outcome: ConnectionRecord.Outcome, _ reason: RefusalReason,
    _ worker: Worker
  ) {
    switch client {
    case .plaintext(let downstream): downstream.abort(outcome)
    case .stream(let tunnel, let stream):
      tunnel.answer(stream, .refused(reason))
      if let journal { worker.records.append(journal.record(outcome, at: worker.now)) }
    }
  }

  func ready(_ readiness: Readiness) {
    if let error = upstream.socket.connectError() { return fail(error) }
    if readiness.contains(.writable) { connected() }
  }

  private func connected() {
    switch client {
    case .plaintext(let downstream): downstream.beginRelaying(with: upstream)
    case .stream(let tunnel, let stream):
      tunnel.answer(stream, .opened(baggage: tunnel.baggage))
      upstream.beginRelaying(expectingBytes: false)
    }
  }

  private func fail(_ error: SystemError) {
    end(
      .failed("the application cannot be reached: \(error)"),
      answering: error.isRefused ? .connectRefused : .notReady)
  }

  /// Gives the dial up and tells the client.
  private func end(_ outcome: ConnectionRecord.Outcome, answering reason: RefusalReason) {
    let upstream = self.upstream
    switch client {
    case .plaintext(let downstream): downstream.abort(outcome)
    case .stream(let tunnel, let stream):
      let journal = upstream.journal.take()
      tunnel.detach(stream)
      tunnel.creditSession(upstream.withheldCredit)
      upstream.partner = .none
      upstream.finish(.complete)
      Self.refuse(.stream(tunnel, stream), journal, outcome, reason, tunnel.worker)
    }
  }

  func deadlinePassed() { fail(.timedOut) }
  func meshChanged() {}

  func denied(_ reason: RefusalReason) { end(.refused(reason, peer: false), answering: reason) }

  func credentialsChanged() {}
  func connectionEnded() {}
}
