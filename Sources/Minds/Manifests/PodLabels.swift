/// Which pods a selector selects, found by the rarest of the labels that it asks for.
struct PodLabels {
  /// A pod that runs, or the pods that a controller makes.
  struct Member {
    var labels: [String: String]
    var spec: PodSpec
    /// Nil for a controller's.
    var pod: PodObject?
  }

  private let members: [Member]
  private var byLabel: [String: [LabelPair: [Int]]] = [:]

  /// Pods come before what controllers make.
  init(_ objects: ManifestSet) {
    var members: [Member] = []
    var namespaces: [String] = []
    for pod in objects.pods {
      members.append(Member(labels: pod.meta.labels, spec: pod.spec, pod: pod))
      namespaces.append(pod.meta.namespace)
    }
    for controller in objects.controllers {
      members.append(Member(labels: controller.templateLabels, spec: controller.spec))
      namespaces.append(controller.meta.namespace)
    }
    self.members = members
    for (index, member) in members.enumerated() {
      for (key, value) in member.labels {
        byLabel[namespaces[index], default: [:]][LabelPair(key: key, value: value), default: []].append(index)
      }
    }
  }

  /// Those that a selector may select: what is compared in full. None for an empty one.
  func candidates(_ selector: [String: String], in namespace: String) -> [Member] {
    guard let byLabel = byLabel[namespace] else { return [] }
    let lists = selector.map { byLabel[LabelPair(key: $0.key, value: $0.value)] ?? [] }
    return (lists.min { $0.count < $1.count } ?? []).map { members[$0] }
  }

  func selected(by selector: [String: String], in namespace: String) -> [Member] {
    candidates(selector, in: namespace).filter { $0.labels.hold(selector) }
  }

  /// Somewhere in the mesh.
  func isAnySelected(by selector: [String: String]) -> Bool {
    byLabel.keys.contains { !selected(by: selector, in: $0).isEmpty }
  }
}
