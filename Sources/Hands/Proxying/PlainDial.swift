import Bytes
import MeshModel
import Reactor

/// Dials a host outside the mesh, or a workload without tunnels, for a pod's connection: from the pod's own
/// namespace and address, so that the network treats it as the pod's.
final class PlainDial: Opening {
  private unowned let upstream: Connection
  private unowned let downstream: Connection
  private let failed: (SystemError) -> Void

  private init(_ upstream: Connection, _ downstream: Connection, _ failed: @escaping (SystemError) -> Void) {
    self.upstream = upstream
    self.downstream = downstream
    self.failed = failed
  }

  /// `failed` is called, perhaps before this returns, when the address cannot be reached; the downstream
  /// lives on then.
  static func begin(
    to address: SocketAddress, for downstream: Connection, failed: @escaping (SystemError) -> Void
  ) {
    let pod = downstream.pod
    let worker = downstream.worker
    var isConnected = false
    let socket: Socket
    do throws(SystemError) {
      socket = try dial(address, pod: pod, worker: worker, &isConnected)
    } catch {
      return failed(error)
    }
    let interest: Readiness = isConnected ? Connection.relayed : .writable
    guard let upstream = Connection.place(socket, AwaitingStart(), for: interest, pod: pod, worker: worker)
    else {
      return failed(SystemError("epoll_ctl", code: 12))
    }
    let dial = PlainDial(upstream, downstream, failed)
    upstream.stage = .opening(dial)
    downstream.partner = .plain(upstream)
    upstream.partner = .plain(downstream)
    downstream.setDeadline(nil)
    if isConnected {
      downstream.beginRelaying(with: upstream)
    } else {
      upstream.setDeadline(worker.now + Limits.plainConnect)
    }
  }

  private static func dial(
    _ address: SocketAddress, pod: EnrolledPod, worker: Worker, _ isConnected: inout Bool
  ) throws(SystemError) -> Socket {
    let socket = try pod.facts.sockets.namespace.inside(returningTo: worker.home) {
      () throws(SystemError) -> Socket in try Socket(address.ip.family)
    }
    guard worker.capture.exempt(socket.descriptor) else { throw SystemError("exempt", code: 1) }
    socket.setNoDelay()
    isConnected = try socket.connect(to: address)
    return socket
  }

  func ready(_ readiness: Readiness) {
    if let error = upstream.socket.connectError() { return fail(error) }
    if readiness.contains(.writable) { downstream.beginRelaying(with: upstream) }
  }

  func deadlinePassed() { fail(.timedOut) }

  private func fail(_ error: SystemError) {
    let downstream = self.downstream
    upstream.partner = .none
    downstream.partner = .none
    upstream.finish(.complete)
    failed(error)
  }

  func meshChanged() {}
  func denied(_ reason: RefusalReason) {}
  func credentialsChanged() {}
  func connectionEnded() {}
}
