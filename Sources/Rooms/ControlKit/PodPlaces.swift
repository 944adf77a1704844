import Manifests
import MeshModel
import Synchronization

/// Which identities run on which node, as the mesh is known now: what a node's agent may ask certificates
/// for.
final class PodPlaces: Sendable {
  private struct Place: Hashable {
    var identity: Identity
    var node: String
  }

  private let places = Mutex<Set<Place>>([])

  func replace(with workloads: [Workload]) {
    let found = Set(
      workloads.lazy.filter { !$0.node.isEmpty }.map { Place(identity: $0.identity, node: $0.node) })
    places.withLock { $0 = found }
  }

  func runs(_ identity: Identity, on node: String) -> Bool {
    places.withLock { $0.contains(Place(identity: identity, node: node)) }
  }
}
