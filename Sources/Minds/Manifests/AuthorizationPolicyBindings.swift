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
  /// Policies with a selector by namespace and by one label that all they select have.
  private var selecting: [String: [Label: [Selecting]]] = [:]
  /// Policies that select nothing, by namespace.
  private var wide: [String: [AuthorizationPolicyObject]] = [:]

  private struct Label: Hashable {
    var key: String
    var value: String
  }

  private struct Selecting {
    var selector: [String: String]
    var policy: AuthorizationPolicyObject
  }

  init(_ policies: [AuthorizationPolicyObject], services: [ServiceObject], options: CompileOptions) {
    rootNamespace = options.rootNamespace
    let services = Dictionary(services.map { ($0.meta.key, $0) }) { first, _ in first }
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
      for selector in selectors {
        guard let first = selector.min(by: { $0.key < $1.key }) else { continue }
        let label = Label(key: first.key, value: first.value)
        selecting[policy.meta.namespace, default: [:]][label, default: []].append(
          Selecting(selector: selector, policy: policy))
      }
    }
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
      guard let byLabel = selecting[namespace] else { continue }
      for (key, value) in labels {
        for candidate in byLabel[Label(key: key, value: value)] ?? [] where labels.hold(candidate.selector) {
          found[candidate.policy.meta.key] = candidate.policy
        }
      }
    }
    return found
  }

  /// Every enforced policy that binds the workload, selected or not.
  func enforced(namespace: String, labels: [String: String]) -> [AuthorizationPolicyObject] {
    let wider = Set([namespace, rootNamespace]).flatMap { wide[$0] ?? [] }
    return (bound(namespace, labels).values + wider).filter { !$0.neverDecides }
  }
}
