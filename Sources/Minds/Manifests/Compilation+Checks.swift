import MeshModel

extension Compilation {
  /// Whether what objects name is there.
  mutating func checkReferences() {
    let accounts = Set(objects.serviceAccounts.map(\.meta.key))
    var namespacesSeen: Set<String> = []
    for (meta, spec) in podTemplates {
      checkNamespace(meta, &namespacesSeen)
      let account = "\(meta.namespace)/\(spec.serviceAccount)"
      // Every namespace has the account `default`.
      guard spec.serviceAccount != "default", !accounts.contains(account) else { continue }
      findings.append(
        Finding(
          .unknownServiceAccount, .warning, object: meta.title, at: meta.place,
          "no manifest declares its service account \(account)",
          remedy: "Add the ServiceAccount, or correct its name."))
    }
    for service in objects.services {
      checkNamespace(service.meta, &namespacesSeen)
      check(service)
    }
    for controller in objects.controllers where !controller.templateLabels.hold(controller.selector) {
      findings.append(
        controller.finding(
          .foreignSelector, .error, "its selector does not select its own pods",
          remedy: "Repeat spec.selector.matchLabels in spec.template.metadata.labels."))
    }
    let services = Set(objects.services.map(\.meta.key))
    for policy in objects.authorizationPolicies {
      checkTargets(of: policy, services)
      guard let selector = policy.selector else { continue }
      let isRoot = policy.meta.namespace == options.rootNamespace
      let isAnySelected =
        isRoot
        ? podLabels.isAnySelected(by: selector)
        : !podLabels.selected(by: selector, in: policy.meta.namespace).isEmpty
      guard !isAnySelected else { continue }
      let place = isRoot ? "of the mesh" : "of the namespace \(policy.meta.namespace)"
      findings.append(policy.finding(.emptySelection, .warning, "its selector selects no pod \(place)"))
    }
    for policy in objects.peerAuthentications {
      guard let selector = policy.selector, policy.meta.namespace != options.rootNamespace else { continue }
      guard podLabels.selected(by: selector, in: policy.meta.namespace).isEmpty else { continue }
      findings.append(
        policy.finding(
          .emptySelection, .warning, "its selector selects no pod of the namespace \(policy.meta.namespace)"))
    }
  }

  private mutating func checkTargets(of policy: AuthorizationPolicyObject, _ services: Set<String>) {
    for target in policy.targets where target.kind == "Service" {
      let key = "\(policy.meta.namespace)/\(target.name)"
      guard !services.contains(key) else { continue }
      findings.append(
        Finding(
          .unknownTarget, .warning, object: policy.meta.title,
          at: Place(file: policy.meta.place.file, line: target.line),
          "\(target.path) names the Service \(key), which no manifest declares",
          remedy: "Correct its name, or add the Service."))
    }
  }

  /// What the manifests say of pods, whoever makes them. Running pods of a controller are not said twice.
  private var podTemplates: [(meta: ObjectMeta, spec: PodSpec)] {
    objects.pods.filter { $0.meta.owner == nil }.map { ($0.meta, $0.spec) }
      + objects.controllers.map { ($0.meta, $0.spec) }
  }

  private mutating func checkNamespace(_ meta: ObjectMeta, _ seen: inout Set<String>) {
    let name = meta.namespace
    guard name != "default", namespaces[name] == nil, seen.insert(name).inserted else { return }
    findings.append(
      Finding(
        .unknownNamespace, .warning, object: meta.title, at: meta.place,
        "no manifest declares its namespace \(name), so no label enrolls its pods",
        remedy:
          "Add a Namespace, with the label \(DataplaneMode.label): \(DataplaneMode.ambient) to enroll them."))
  }

  private mutating func check(_ service: ServiceObject) {
    guard service.type != .externalName else { return }
    if service.ports.isEmpty, !service.isHeadless {
      findings.append(service.finding(.noPorts, .error, "it has no ports", remedy: "Add spec.ports."))
    }
    guard !service.selector.isEmpty else {
      findings.append(
        service.finding(
          .noSelector, .warning,
          "it has no selector, so nothing backs it: endpoints of their own are not read"))
      return
    }
    let backing = podLabels.selected(by: service.selector, in: service.meta.namespace).map(\.spec)
    guard !backing.isEmpty else {
      findings.append(
        service.finding(
          .emptySelection, .warning, "its selector selects no pod of the namespace \(service.meta.namespace)",
          remedy: "Compare spec.selector with the labels of the pods."))
      return
    }
    for port in service.ports {
      guard case .name(let name) = port.target else { continue }
      guard backing.contains(where: { $0.number(of: port.target, port.transport) == nil }) else { continue }
      findings.append(
        service.finding(
          .unknownPortName, .warning,
          "port \(port.port) goes to the port named \(name.debugDescription), which not all its pods declare",
          remedy: "Name a containerPort \(name)."))
    }
  }

  /// Whether who is to be protected is in the mesh.
  mutating func checkEnrollment() {
    let labels =
      objects.namespaces.map { ($0.meta, $0.meta.labels) }
      + objects.pods.map { ($0.meta, $0.meta.labels) }
      + objects.controllers.map { ($0.meta, $0.templateLabels) }
    for (meta, labels) in labels {
      guard let mode = labels[DataplaneMode.label] else { continue }
      guard mode != DataplaneMode.ambient, mode != DataplaneMode.none else { continue }
      findings.append(
        Finding(
          .unknownDataplaneMode, .error, object: meta.title, at: meta.place,
          "the label \(DataplaneMode.label) is \(mode.debugDescription), which enrolls nothing",
          remedy: "Use \(DataplaneMode.ambient) or \(DataplaneMode.none)."))
    }
    var exposed: [PeerAuthenticationObject: [String]] = [:]
    for wanted in mesh.wanted where !wanted.isEnrolled {
      guard let policy = bindings.strictPolicy(namespace: wanted.namespace, labels: wanted.labels) else {
        continue
      }
      exposed[policy, default: []].append("\(wanted.kind) \(wanted.key)")
    }
    checkEnforcement()
    for (policy, names) in exposed.sorted(by: { $0.key.meta.key < $1.key.meta.key }) {
      let others = names.count > 1 ? " and \(names.count - 1) more" : ""
      findings.append(
        policy.finding(
          .strictButNotEnrolled, .warning,
          "STRICT is not enforced for \(names[0])\(others), which are not enrolled",
          remedy: "Label the namespace \(DataplaneMode.label): \(DataplaneMode.ambient)."))
    }
  }

  /// Whether what AuthorizationPolicies protect is where they can be enforced.
  private mutating func checkEnforcement() {
    var exposed: [String: (policy: AuthorizationPolicyObject, names: [String])] = [:]
    for wanted in mesh.wanted where !wanted.isEnrolled {
      // One for all of the mesh is not written for those that are not in it.
      for policy in policies.enforced(namespace: wanted.namespace, labels: wanted.labels)
      where policy.meta.namespace == wanted.namespace || policy.selector != nil {
        exposed[policy.meta.key, default: (policy, [])].names.append("\(wanted.kind) \(wanted.key)")
      }
    }
    for (_, (policy, names)) in exposed.sorted(by: { $0.key < $1.key }) {
      let others = names.count > 1 ? " and \(names.count - 1) more" : ""
      findings.append(
        policy.finding(
          .policyNotEnrolled, .warning,
          "it is not enforced for \(names[0])\(others), which are not enrolled",
          remedy: "Label the namespace \(DataplaneMode.label): \(DataplaneMode.ambient)."))
    }
  }
}
