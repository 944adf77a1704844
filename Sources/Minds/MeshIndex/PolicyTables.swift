import MeshModel

/// Policies by name and by what they bind.
struct PolicyTables: Sendable {
  private var byKey = ShardedMap<String, Authorization>()
  private var global = Bound()
  private var byNamespace: [String: Bound] = [:]
  /// Namespaces whose group is older than their keys.
  private var stale: Set<String> = []
  /// Policies that arrived unreadable and of which there is no earlier version; each denies whom it may bind.
  private var unreadable: [String: Unreadable] = [:]
  /// The first delivery of policies is complete.
  var isDelivered = false

  /// The policies that bind all of the mesh, or of a namespace.
  private struct Bound: Sendable {
    var keys: Set<String> = []
    /// Of the keys as they were at the last `seal`; nil when they have changed since.
    var group: PolicyGroup? = .empty
  }

  private struct Unreadable: Sendable {
    let namespace: String
    let scope: Authorization.Scope
  }

  var count: Int { byKey.count }
  var all: some Sequence<Authorization> { byKey.values }

  subscript(key: String) -> Authorization? { byKey[key] }

  mutating func upsert(_ policy: Authorization) {
    remove(policy.key)
    byKey[policy.key] = policy
    change(policy) { $0.insert(policy.key) }
  }

  mutating func remove(_ key: String) {
    unreadable[key] = nil
    guard let old = byKey[key] else { return }
    byKey[key] = nil
    change(old) { $0.remove(key) }
  }

  private mutating func change(_ policy: Authorization, _ body: (inout Set<String>) -> Void) {
    switch policy.scope {
    case .global:
      body(&global.keys)
      global.group = nil
    case .namespace:
      body(&byNamespace[policy.namespace, default: Bound()].keys)
      byNamespace[policy.namespace]?.group = nil
      stale.insert(policy.namespace)
    case .workloadSelector: break
    }
  }

  /// Groups what has changed, each part once for all the changes since the last time: for a snapshot.
  mutating func seal() {
    if global.group == nil { global.group = group(of: global) }
    for namespace in stale {
      guard let bound = byNamespace[namespace] else { continue }
      let group = group(of: bound)
      byNamespace[namespace] = bound.keys.isEmpty ? nil : Bound(keys: bound.keys, group: group)
    }
    stale.removeAll()
  }

  private func group(of bound: Bound) -> PolicyGroup {
    PolicyGroup(bound.keys.sorted().compactMap { byKey[$0] })
  }

  /// Keeps the earlier version if there is one.
  mutating func reject(_ key: String, namespace: String, scope: Authorization.Scope) {
    guard byKey[key] == nil else { return }
    unreadable[key] = Unreadable(namespace: namespace, scope: scope)
  }

  /// Costs as much as the workload names policies, whatever else there is. Call `seal` before.
  func binding(_ workload: Workload) -> ApplicablePolicies {
    var groups: [PolicyGroup] = []
    for bound in [global, byNamespace[workload.namespace]] {
      guard let bound, !bound.keys.isEmpty else { continue }
      groups.append(bound.group ?? group(of: bound))
    }
    var own: [Authorization] = []
    var missing: [String] = []
    for key in workload.policies {
      if let policy = byKey[key] { own.append(policy) } else { missing.append(key) }
    }
    if !own.isEmpty { groups.append(PolicyGroup(own)) }
    for (key, policy) in unreadable.sorted(by: { $0.key < $1.key }) {
      switch policy.scope {
      case .global: missing.append(key)
      case .namespace where policy.namespace == workload.namespace: missing.append(key)
      case .namespace, .workloadSelector: break
      }
    }
    return ApplicablePolicies(groups: groups, missing: missing, isDelivered: isDelivered)
  }
}
