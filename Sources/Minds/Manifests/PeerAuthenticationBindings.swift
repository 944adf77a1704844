import MeshModel

/// Which PeerAuthentication binds which workload, and the policies it becomes: workload before namespace
/// before mesh, and of equal ones the oldest.
struct PeerAuthenticationBindings {
  typealias Mode = PeerAuthenticationObject.Mode

  /// What binds one workload.
  struct Binding {
    /// Never `.unset`.
    var mode: Mode
    /// `namespace/name` of the policies that the workload names.
    var policies: [String]
  }

  private let rootNamespace: String
  private let all: [PeerAuthenticationObject]
  private let mesh: PeerAuthenticationObject?
  private let byNamespace: [String: PeerAuthenticationObject]
  private let byWorkload: [String: [PeerAuthenticationObject]]
  private let bySelector: SelectorIndex<PeerAuthenticationObject>

  init(_ objects: [PeerAuthenticationObject], rootNamespace: String) {
    self.rootNamespace = rootNamespace
    all = objects.sorted { ($0.meta.created, $0.meta.name) < ($1.meta.created, $1.meta.name) }
    let wide = Dictionary(all.filter { $0.selector == nil }.map { ($0.meta.namespace, $0) }) { first, _ in
      first
    }
    mesh = wide[rootNamespace]
    byNamespace = wide
    byWorkload = Dictionary(
      grouping: all.filter { $0.selector != nil && $0.meta.namespace != rootNamespace }, by: \.meta.namespace)
    bySelector = SelectorIndex(
      all.compactMap { policy in
        policy.selector.map { .init(namespace: policy.meta.namespace, selector: $0, element: policy) }
      })
  }

  /// The oldest that selects the labels.
  private func selected(_ namespace: String, _ labels: [String: String]) -> PeerAuthenticationObject? {
    namespace == rootNamespace ? nil : bySelector.selecting(labels, in: namespace).first
  }

  private func mode(of policy: PeerAuthenticationObject?, in namespace: String) -> Mode {
    [policy, byNamespace[namespace], mesh].lazy.compactMap { $0?.mode }.first { $0 != .unset } ?? .permissive
  }

  func binding(namespace: String, labels: [String: String]) -> Binding {
    let policy = selected(namespace, labels)
    let mode = mode(of: policy, in: namespace)
    if let policy, let converted = converted(policy) { return Binding(mode: mode, policies: [converted.key]) }
    return Binding(mode: mode, policies: mode == .strict ? [staticStrict.key] : [])
  }

  /// Everything that some binding may name. The static policy is always there, so that a namespace turned
  /// STRICT does not wait for it.
  var authorizations: [Authorization] {
    [staticStrict] + byWorkload.values.joined().compactMap(converted).sorted { $0.key < $1.key }
  }

  private var staticStrict: Authorization {
    Authorization(
      name: ConvertedPolicy.staticStrict, namespace: rootNamespace, scope: .workloadSelector, action: .deny,
      rules: [Authorization.Rule(clauses: [.plaintext])])
  }

  /// The policy of a PeerAuthentication whose ports differ from its workloads' mode; nil when none does.
  private func converted(_ policy: PeerAuthenticationObject) -> Authorization? {
    let mode = mode(of: policy, in: policy.meta.namespace)
    let ports = policy.portModes.mapValues { $0 == .unset ? mode : $0 }
    let rules: [Authorization.Rule]
    if mode == .strict {
      let exempt = ports.filter { $0.value != .strict }.keys.sorted()
      guard !exempt.isEmpty else { return nil }
      rules = [Authorization.Rule(clauses: [.plaintext, .otherPorts(than: exempt)])]
    } else {
      let strict = ports.filter { $0.value == .strict }.keys.sorted()
      guard !strict.isEmpty else { return nil }
      rules = strict.map { Authorization.Rule(clauses: [.plaintext, .port($0)]) }
    }
    return Authorization(
      name: ConvertedPolicy.prefix + policy.meta.name, namespace: policy.meta.namespace,
      scope: .workloadSelector,
      action: .deny, rules: rules)
  }

  // MARK: Findings

  func check(_ findings: inout [Finding]) {
    for policy in all {
      let isRoot = policy.meta.namespace == rootNamespace
      if isRoot, policy.selector != nil {
        findings.append(
          policy.finding(
            .selectorInRoot, .error, "a selector has no effect in the root namespace \(rootNamespace)",
            remedy: "Move it to the namespace of the workloads, or remove the selector to bind the mesh."))
      }
      if policy.selector == nil, !policy.portModes.isEmpty {
        findings.append(
          policy.finding(
            .portsWithoutSelector, .error, "portLevelMtls needs a selector: ports are those of a workload",
            remedy: "Add spec.selector.matchLabels."))
      }
      if policy.selector == nil, let first = byNamespace[policy.meta.namespace], first != policy {
        findings.append(shadowed(policy, by: first))
      }
      if let same = byWorkload[policy.meta.namespace]?.first(where: { $0.selector == policy.selector }),
        policy.selector != nil, same != policy
      {
        findings.append(shadowed(policy, by: same))
      }
      for (port, mode) in policy.portModes.sorted(by: { $0.key < $1.key }) where mode == .disable {
        findings.append(
          policy.finding(
            .portDisable, .info,
            "port \(port) takes plaintext, and mutual TLS as well: DISABLE is for whole workloads")
        )
      }
    }
  }

  private func shadowed(_ policy: PeerAuthenticationObject, by first: PeerAuthenticationObject) -> Finding {
    policy.finding(
      .shadowedPolicy, .warning,
      "it has no effect, because \(first.meta.title) at \(first.meta.place) binds the same workloads and is "
        + "older or first by name",
      remedy: "Keep one of the two.")
  }

  /// Policies that ask for STRICT, with what each binds; for the check that those are enrolled.
  func strictPolicy(namespace: String, labels: [String: String]) -> PeerAuthenticationObject? {
    let candidates = [selected(namespace, labels), byNamespace[namespace], mesh].compactMap { $0 }
    if let policy = candidates.first, policy.portModes.values.contains(.strict) { return policy }
    return candidates.first { $0.mode != .unset }.flatMap { $0.mode == .strict ? $0 : nil }
  }
}

extension Authorization.Clause {
  /// Holds for a peer without an identity.
  fileprivate static var plaintext: Self {
    var match = Authorization.Match()
    match.notPrincipals = [.presence]
    return Self(matches: [match])
  }

  fileprivate static func port(_ port: UInt16) -> Self {
    var match = Authorization.Match()
    match.destinationPorts = [port]
    return Self(matches: [match])
  }

  fileprivate static func otherPorts(than ports: [UInt16]) -> Self {
    var match = Authorization.Match()
    match.notDestinationPorts = ports
    return Self(matches: [match])
  }
}
