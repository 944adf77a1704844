import MeshModel

/// Which DestinationRule says how the endpoints of a service are chosen.
struct DestinationRules {
  private let hosts: HostTable
  private let rootNamespace: String
  /// By namespace, oldest first, only what could be read whole.
  private let byNamespace: [String: [DestinationRuleObject]]

  init(_ objects: [DestinationRuleObject], _ hosts: HostTable, rootNamespace: String) {
    self.hosts = hosts
    self.rootNamespace = rootNamespace
    byNamespace = Dictionary(grouping: objects.filter(\.isWhole).oldestFirst, by: \.meta.namespace)
  }

  /// What is in force for a client of the namespace. The namespaces of the client, of the service and the
  /// root are asked in this order, and the first that has a rule decides. There the most particular host
  /// wins; of several rules for it the oldest, with the subsets of all.
  func traffic(to key: ServiceKey, from namespace: String) -> DestinationTraffic {
    for home in [namespace, key.namespace, rootNamespace] {
      let candidates = (byNamespace[home] ?? []).filter {
        HostName.isVisible($0.exportTo, from: home, in: namespace) && speaks($0, of: key)
      }
      let longest = candidates.map { pattern($0).count }.max()
      let exact = candidates.filter { !$0.host.hasPrefix("*") }
      let chosen = exact.isEmpty ? candidates.filter { pattern($0).count == longest } : exact
      guard let rule = chosen.first else { continue }
      var subsets: [WrittenSubset] = []
      for subset in chosen.flatMap(\.subsets) where !subsets.contains(where: { $0.name == subset.name }) {
        subsets.append(subset)
      }
      return DestinationTraffic(key, rule, subsets: subsets)
    }
    return DestinationTraffic(service: key)
  }

  private func pattern(_ rule: DestinationRuleObject) -> String {
    hosts.fullName(rule.host, in: rule.meta.namespace)
  }

  private func speaks(_ rule: DestinationRuleObject, of key: ServiceKey) -> Bool {
    HostTable.matches(key.hostname, pattern(rule))
  }

  /// The labels by which any rule tells the endpoints of a service apart.
  func labels(of key: ServiceKey) -> Set<String> {
    var names: Set<String> = []
    for rule in byNamespace.values.joined() where speaks(rule, of: key) {
      for subset in rule.subsets { names.formUnion(subset.labels.keys) }
      for policy in [rule.policy].compactMap(\.self) + rule.subsets.compactMap(\.policy) {
        for policy in [policy] + policy.ports.values {
          guard case .priority(let labels)? = policy.balancing?.locality else { continue }
          // `label=value` asks for a value.
          names.formUnion(labels.map { String($0.prefix { $0 != "=" }) })
        }
      }
    }
    return names
  }
}

extension Array where Element: ManifestObject {
  /// Conflicts are the oldest's; those of files have no age and go by name.
  var oldestFirst: [Element] {
    sorted { ($0.meta.created, $0.meta.key, $0.meta.kind) < ($1.meta.created, $1.meta.key, $1.meta.kind) }
  }
}
