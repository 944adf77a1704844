import MeshModel

/// Which RequestAuthentication binds which workload.
struct RequestAuthentications {
  private struct Bound {
    var object: RequestAuthenticationObject
    /// Any of them; nil for every workload.
    var selectors: [[String: String]]?
    /// Nil for the mesh.
    var namespace: String?

    func binds(_ namespace: String, _ labels: [String: String]) -> Bool {
      (self.namespace == nil || self.namespace == namespace)
        && (selectors?.contains(where: labels.hold) ?? true)
    }
  }

  private let all: [Bound]
  let findings: [Finding]

  init(_ objects: ManifestSet, rootNamespace: String) {
    let services = Dictionary(objects.services.map { ($0.meta.key, $0) }) { first, _ in first }
    var findings: [Finding] = []
    all = objects.requestAuthentications.map { object in
      let namespace = object.meta.namespace
      if !object.isWhole {
        findings.append(
          Finding(
            .closedPolicy, .error, object: object.meta.title, at: object.meta.place,
            "it cannot be read whole, so no token is accepted of requests to the workloads that it binds",
            remedy: "Correct the errors named beside this one.", isContained: true))
      }
      return Bound(
        object: object.isWhole ? object : object.closed,
        selectors: AuthorizationPolicyBindings.selectors(
          object.selector, object.targets, in: namespace, services),
        namespace: namespace == rootNamespace ? nil : namespace)
    }
    self.findings = findings
  }

  /// What binds a pod with the labels, by title.
  func titles(namespace: String, labels: [String: String]) -> [String] {
    all.filter { $0.binds(namespace, labels) }.map(\.object.meta.title)
  }

  /// What selects a pod with the labels, by title, sorted.
  func selecting(namespace: String, labels: [String: String]) -> [String] {
    all.filter { $0.selectors != nil && $0.binds(namespace, labels) }.map(\.object.meta.title).sorted()
  }

  /// What may bind the workloads of one account, which have one of these sets of labels. Which of them it
  /// selects each workload says itself, so that a workload never comes before what binds it.
  func authentications(namespace: String, labels: [[String: String]]) -> [TokenAuthentication] {
    all.compactMap { bound in
      guard bound.namespace == nil || bound.namespace == namespace else { return nil }
      let isSelective = bound.selectors != nil
      guard !isSelective || labels.contains(where: { bound.binds(namespace, $0) }) else { return nil }
      return TokenAuthentication(
        origin: bound.object.meta.title, namespace: bound.object.meta.namespace, isSelective: isSelective,
        issuers: bound.object.issuers)
    }
  }
}
