import MeshModel

/// Which AuthorizationPolicy binds which workload, and the policies they become on the wire.
///
/// What cannot be read or enforced is closed, never left open: see `PolicyCompilation`.
struct AuthorizationPolicyBindings {
  /// What the policies became, by key.
  private(set) var authorizations: [Authorization] = []
  /// The same, whole, for waypoints.
  private(set) var wholes: [String: Authorization] = [:]
  /// Where each rule of an authorization was written, in its order.
  private(set) var origins: [String: [Place]] = [:]
  private(set) var wholeOrigins: [String: [Place]] = [:]
  private(set) var findings: [Finding] = []
  private let rootNamespace: String
  /// Policies with a selector.
  private let selecting: SelectorIndex<AuthorizationPolicyObject>
  /// Policies that select nothing, by namespace.
  private var wide: [String: [AuthorizationPolicyObject]] = [:]

  init(_ policies: [AuthorizationPolicyObject], services: [ServiceObject], options: CompileOptions) {
    rootNamespace = options.rootNamespace
    let services = Dictionary(services.map { ($0.meta.key, $0) }) { first, _ in first }
    var selecting: [SelectorIndex<AuthorizationPolicyObject>.Entry] = []
    for policy in policies {
      let selectors = Self.selectors(policy.selector, policy.targets, in: policy.meta.namespace, services)
      let scope: Authorization.Scope =
        selectors != nil ? .workloadSelector : policy.meta.namespace == rootNamespace ? .global : .namespace
      var compilation = PolicyCompilation(policy, scope, options)
      compilation.run()
      findings += compilation.findings
      guard let compiled = compilation.authorization else { continue }
      authorizations.append(compiled)
      wholes[compiled.key] = compilation.whole
      origins[compiled.key] = compilation.origins
      wholeOrigins[compiled.key] = compilation.wholeOrigins
      guard let selectors else {
        wide[policy.meta.namespace, default: []].append(policy)
        continue
      }
      selecting += selectors.map { .init(namespace: policy.meta.namespace, selector: $0, element: policy) }
    }
    self.selecting = SelectorIndex(selecting)
  }

  /// What the policy selects, any of them; nil for all of its namespace, or of the mesh in the root
  /// namespace.
  static func selectors(
    _ selector: [String: String]?, _ targets: [AuthorizationPolicyObject.Target], in namespace: String,
    _ services: [String: ServiceObject]
  ) -> [[String: String]]? {
    if let selector { return [selector] }
    // Until there are waypoints, a target stands for the pods behind it; one that names more than a service
    // may stand for any pod.
    guard !targets.isEmpty, targets.allSatisfy({ $0.kind == "Service" }) else { return nil }
    let selectors = targets.map { services["\(namespace)/\($0.name)"]?.selector ?? [:] }
    return selectors.contains { $0.isEmpty } ? nil : selectors
  }

  /// The keys of the policies that a workload must name, sorted.
  func keys(namespace: String, labels: [String: String]) -> [String] {
    bound(namespace, labels).keys.sorted()
  }

  private func bound(
    _ namespace: String, _ labels: [String: String]
  ) -> [String: AuthorizationPolicyObject] {
    var found: [String: AuthorizationPolicyObject] = [:]
    // Those of the root namespace select all over the mesh.
    for namespace in Set([namespace, rootNamespace]) {
      for policy in selecting.selecting(labels, in: namespace) { found[policy.meta.key] = policy }
    }
    return found
  }

  /// Every enforced policy that binds the workload, selected or not.
  func enforced(namespace: String, labels: [String: String]) -> [AuthorizationPolicyObject] {
    let wider = Set([namespace, rootNamespace]).flatMap { wide[$0] ?? [] }
    return (bound(namespace, labels).values + wider).filter { !$0.neverDecides }
  }
}
