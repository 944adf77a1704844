import MeshModel

/// Policies by name and by what they bind.
struct PolicyTables: Sendable {
  private var byKey = ShardedMap<String, Authorization>()
  private var global: [Authorization] = []
  private var byNamespace: [String: [Authorization]] = [:]
  /// Policies that arrived unreadable and of which there is no earlier version; each denies whom it may bind.
  private var unreadable: [String: Unreadable] = [:]
  /// The first delivery of policies is complete.
  var isDelivered = false

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
    switch policy.scope {
    case .global: Self.insert(policy, into: &global)
    case .namespace: Self.insert(policy, into: &byNamespace[policy.namespace, default: []])
    case .workloadSelector: break
    }
  }

  mutating func remove(_ key: String) {
    unreadable[key] = nil
    guard let old = byKey[key] else { return }
    byKey[key] = nil
    switch old.scope {
    case .global: global.removeAll { $0.key == key }
    case .namespace:
      byNamespace[old.namespace]?.removeAll { $0.key == key }
      if byNamespace[old.namespace]?.isEmpty == true { byNamespace[old.namespace] = nil }
    case .workloadSelector: break
    }
  }

  /// Keeps the earlier version if there is one.
  mutating func reject(_ key: String, namespace: String, scope: Authorization.Scope) {
    guard byKey[key] == nil else { return }
    unreadable[key] = Unreadable(namespace: namespace, scope: scope)
  }

  func binding(_ workload: Workload) -> ApplicablePolicies {
    var found = global + (byNamespace[workload.namespace] ?? [])
    var missing: [String] = []
    for key in workload.policies {
      if let policy = byKey[key] { found.append(policy) } else { missing.append(key) }
    }
    for (key, policy) in unreadable.sorted(by: { $0.key < $1.key }) {
      switch policy.scope {
      case .global: missing.append(key)
      case .namespace where policy.namespace == workload.namespace: missing.append(key)
      case .namespace, .workloadSelector: break
      }
    }
    return ApplicablePolicies(found, missing: missing, isDelivered: isDelivered)
  }

  private static func insert(_ policy: Authorization, into list: inout [Authorization]) {
    list.insert(policy, at: list.firstIndex { $0.key > policy.key } ?? list.endIndex)
  }
}
