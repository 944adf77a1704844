import Bytes
import HBONE
import MeshIndex
import MeshModel
import Reactor

// Peers that have not yet proved who they are, and those that leave nothing to do.
extension Tunnel {
  /// Whether another handshake may begin. A source that has too many is refused; where all sources together
  /// do, the oldest handshake is closed, for one that takes so long among so many stalls.
  static func makeRoom(for peer: SocketAddress, pod: EnrolledPod, worker: Worker) -> Bool {
    guard pod.handshakes.count(from: peer.ip) < Limits.handshakesPerSource else {
      worker.turnedAway.add(.handshakesOfSource)
      recordRefusedPeer(
        .failed("\(Limits.handshakesPerSource) connections of this address have not finished mutual TLS"),
        peer, since: worker.now, pod: pod, worker: worker)
      return false
    }
    if pod.handshakes.count >= Limits.handshakesPerPod, let oldest = pod.handshakes.oldest() {
      worker.turnedAway.add(.handshakes)
      pod.served[oldest]?.end(
        .ended("no mutual TLS yet, and it made room: \(Limits.handshakesPerPod) others were as far"))
    }
    return true
  }

  /// The peer has proved its identity: it leaves the strangers' places for one among the tunnels. False when
  /// there is none; then it has ended.
  func leaveStrangers() -> Bool {
    guard key == nil else { return true }
    guard pod.served.count - pod.handshakes.count < Limits.servedTunnelsPerPod else {
      worker.turnedAway.add(.tunnels)
      end(.ended("\(Limits.servedTunnelsPerPod) tunnels to the pod are open already"))
      return false
    }
    pod.handshakes.end(token)
    return true
  }

  /// A peer that never got in leaves a record too, or nobody would learn why.
  static func recordRefusedPeer(
    _ outcome: ConnectionRecord.Outcome, _ peer: SocketAddress, since started: Instant, pod: EnrolledPod,
    worker: Worker
  ) {
    var outcome = outcome
    if case .failed(let reason, let fault) = outcome {
      guard let reason = pod.strangersRecords.admit(reason, at: worker.now) else { return }
      outcome = .failed(reason, fault)
    } else if pod.strangersRecords.admit("", at: worker.now) == nil {
      return
    }
    let source = worker.mesh.workload(at: peer.ip)
    let journal = Journal(
      .inbound,
      source: source.map { .init(address: peer, workload: $0) } ?? .init(address: peer),
      destination: pod.workload(in: worker.mesh).map { .init(address: nil, workload: $0) }
        ?? .init(workload: pod.facts.name, namespace: pod.facts.namespace),
      at: started)
    worker.records.append(journal.record(outcome, at: worker.now))
  }

  /// When a tunnel without a stream is to be looked at; nil for others. One that becomes idle later is found
  /// by the next look at its keepalive.
  var idleDeadline: Instant? {
    guard let idleSince, connections.isEmpty, waiting.isEmpty else { return nil }
    let times = worker.times
    if key != nil { return idleSince + times.idleDialed }
    return idleSince + times.idleServed + (isDraining ? times.idleGrace : .milliseconds(0))
  }

  /// Closes a tunnel that has carried nothing for long. A peer's is told to end first: a stream may be on its
  /// way. True when the tunnel has ended.
  func endIfIdle() -> Bool {
    guard let idleDeadline, idleDeadline <= worker.now else { return false }
    if key == nil, !isDraining {
      drain()
      return false
    }
    end(.ended("idle"))
    return true
  }
}
