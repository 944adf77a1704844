import Bytes
import MeshModel
import Reactor

/// Accepts one pod's connections of one kind.
final class CaptureListener: PollTarget {
  private let listening: PodSockets.Listening
  private unowned let pod: EnrolledPod
  private unowned let worker: Worker
  private let token: UInt64
  private var isPaused = false

  private init(_ listening: PodSockets.Listening, _ pod: EnrolledPod, _ worker: Worker, _ token: UInt64) {
    self.listening = listening
    self.pod = pod
    self.worker = worker
    self.token = token
  }

  static func open(
    _ listening: PodSockets.Listening, for pod: EnrolledPod, on worker: Worker
  ) throws(SystemError) {
    var made: CaptureListener?
    worker.register { token in
      let listener = CaptureListener(listening, pod, worker, token)
      made = listener
      return listener
    }
    guard let listener = made else { return }
    pod.listeners.append(listener)
    try worker.watch(listening.socket.descriptor, listener.wanted, token: listener.token)
  }

  /// Peers wait in the backlog until there is a certificate to answer them with.
  private var wanted: Readiness {
    let isBlind = listening.kind == .hbone && worker.credentials[pod.facts.identity] == nil
    return isBlind || isPaused ? Readiness() : .readable
  }

  func credentialsChanged() { worker.rewatch(listening.socket.descriptor, wanted, token: token) }

  func close() { worker.retire(token, listening.socket.descriptor) }

  func ready(_ readiness: Readiness) {
    do throws(SystemError) {
      for _ in 0..<Limits.acceptBatch {
        guard let accepted = try listening.socket.accept() else { return }
        guard let peer = accepted.peer else { continue }
        take(accepted.take(), from: peer)
      }
    } catch {
      // Out of descriptors or memory: the connections wait in the backlog for better times.
      isPaused = true
      worker.rewatch(listening.socket.descriptor, Readiness(), token: token)
      worker.wake(token, at: worker.now + Limits.descriptorPause)
    }
  }

  func deadlinePassed() {
    guard isPaused else { return }
    isPaused = false
    worker.rewatch(listening.socket.descriptor, wanted, token: token)
  }

  private func take(_ socket: consuming Socket, from peer: SocketAddress) {
    if let check = pod.captureCheck, check.takes(socket, from: peer, as: listening.kind) {
      socket.abortOnClose()
      return
    }
    guard pod.connections.count < Limits.connectionsPerPod else {
      worker.turnedAway.add(.connections)
      socket.abortOnClose()
      return
    }
    socket.setNoDelay()
    switch listening.kind {
    case .outbound: Outbound.begin(socket, from: peer, pod: pod, worker: worker)
    case .plaintext: InboundPlaintext.begin(socket, from: peer, pod: pod, worker: worker)
    case .hbone: Tunnel.serve(socket, from: peer, pod: pod, worker: worker)
    }
  }
}
