import MeshModel

/// Which RequestAuthentication binds which workload.
struct RequestAuthentications {
  private let all: [RequestAuthenticationObject]
  /// Positions of those that select; of those of the root namespace, for every namespace.
  private let selecting: SelectorIndex<Int>
  /// Positions of those that select nothing, by namespace.
  private var wide: [String: [Int]] = [:]
  private let rootNamespace: String
  let findings: [Finding]

  init(_ objects: ManifestSet, rootNamespace: String) {
    let services = Dictionary(objects.services.map { ($0.meta.key, $0) }) { first, _ in first }
    var findings: [Finding] = []
    var selecting: [SelectorIndex<Int>.Entry] = []
    self.rootNamespace = rootNamespace
    all = objects.requestAuthentications.map { $0.isWhole ? $0 : $0.closed }
    for (index, object) in objects.requestAuthentications.enumerated() {
      let namespace = object.meta.namespace
      if !object.isWhole {
        findings.append(
          Finding(
            .closedPolicy, .error, object: object.meta.title, at: object.meta.place,
            "it cannot be read whole, so no token is accepted of requests to the workloads that it binds",
            remedy: "Correct the errors named beside this one.", isContained: true))
      }
      let selectors = AuthorizationPolicyBindings.selectors(
        object.selector, object.targets, in: namespace, services)
      guard let selectors else {
        wide[namespace, default: []].append(index)
        continue
      }
      selecting += selectors.map { .init(namespace: namespace, selector: $0, element: index) }
    }
    self.selecting = SelectorIndex(selecting)
    self.findings = findings
  }

  /// Of what selects a pod with the labels.
  private func selected(_ namespace: String, _ labels: [String: String]) -> Set<Int> {
    Set(Set([namespace, rootNamespace]).flatMap { selecting.selecting(labels, in: $0) })
  }

  /// Of what is for all pods of the namespace.
  private func wide(_ namespace: String) -> [Int] {
    Set([namespace, rootNamespace]).flatMap { wide[$0] ?? [] }
  }

  /// What binds a pod with the labels, by title.
  func titles(namespace: String, labels: [String: String]) -> [String] {
    (wide(namespace) + selected(namespace, labels)).sorted().map { all[$0].meta.title }
  }

  /// What selects a pod with the labels, by title, sorted.
  func selecting(namespace: String, labels: [String: String]) -> [String] {
    selected(namespace, labels).map { all[$0].meta.title }.sorted()
  }

  /// What may bind the workloads of one account, which have one of these sets of labels. Which of them it
  /// selects each workload says itself, so that a workload never comes before what binds it.
  func authentications(namespace: String, labels: [[String: String]]) -> [TokenAuthentication] {
    let selective = labels.reduce(into: Set<Int>()) { $0.formUnion(selected(namespace, $1)) }
    return (wide(namespace) + selective).sorted().map { index in
      TokenAuthentication(
        origin: all[index].meta.title, namespace: all[index].meta.namespace,
        isSelective: selective.contains(index), issuers: all[index].issuers)
    }
  }
}
