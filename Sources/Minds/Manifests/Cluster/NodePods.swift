public import MeshModel

extension ManifestSet {
  /// The pods that have a node, by its name; those that have ended, and those on the host's network, are none
  /// of an agent's business.
  public var podsByNode: [String: [NodePod]] {
    let modes = Dictionary(
      namespaces.lazy.compactMap { space in
        space.meta.labels[DataplaneMode.label].map { (space.meta.name, $0) }
      }
    ) { first, _ in first }
    var found: [String: [NodePod]] = [:]
    for pod in pods where !pod.spec.nodeName.isEmpty && !pod.spec.usesHostNetwork && !pod.hasEnded {
      let mode = pod.meta.labels[DataplaneMode.label] ?? modes[pod.meta.namespace]
      found[pod.spec.nodeName, default: []].append(
        NodePod(
          uid: pod.meta.uid, name: pod.meta.name, namespace: pod.meta.namespace,
          serviceAccount: pod.spec.serviceAccount, addresses: pod.status?.addresses ?? [],
          isEnrolled: mode == DataplaneMode.ambient))
    }
    return found
  }
}
