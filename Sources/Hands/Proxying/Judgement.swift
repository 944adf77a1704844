import MeshIndex
import MeshModel
import PolicyEngine

/// What policy was asked when an inbound connection began, kept to ask again whenever the answer may have
/// changed.
struct Judgement {
  let peer: Peer
  let destination: SocketAddress
  let workload: String

  /// The reason to end the connection of `pod` under `mesh`, nil when it may live on.
  func refusal(in mesh: MeshSnapshot, of pod: EnrolledPod) -> RefusalReason? {
    // A workload that is no longer known leaves its live connections to its pod's own end.
    guard let workload = mesh.workload(uid: workload) else { return nil }
    let destination = Destination(workload: workload, address: destination)
    return verdict(peer: peer, destination: destination, policies: pod.policies(for: workload, in: mesh))
      .refusal
  }
}
