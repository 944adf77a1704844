import BPFRuntime
import Enrollment
import MeshModel
import Proxying

/// A pod that this agent serves: what was set up for it, to be taken down again.
struct AgentPod: Sendable {
  let enrollment: PodEnrollment
  let identity: Identity
  let plumbing: PodPlumbing
  let worker: WorkerHandle

  var captured: CapturedPod {
    CapturedPod(
      cookie: plumbing.cookie, v4: plumbing.addresses.first { $0.family == .v4 },
      v6: plumbing.addresses.first { $0.family == .v6 })
  }
}
