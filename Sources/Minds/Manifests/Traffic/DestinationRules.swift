import MeshModel

/// Which DestinationRule says how the endpoints of a service are chosen.
struct DestinationRules {
  private let rootNamespace: String
  /// By the name of their host, and those of patterns; oldest first, only what could be read whole.
  private var named: [String: [DestinationRuleObject]] = [:]
  private var patterns: [DestinationRuleObject] = []

  init(_ objects: [DestinationRuleObject], _ hosts: HostTable, rootNamespace: String) {
    self.rootNamespace = rootNamespace
    for rule in objects.filter(\.isWhole).oldestFirst {
      if rule.host.hasPrefix("*") {
        patterns.append(rule)
      } else {
        named[hosts.fullName(rule.host, in: rule.meta.namespace).lowercased(), default: []].append(rule)
      }
    }
  }

  /// What is in force for a client of the namespace. The namespaces of the client, of the service and the
  /// root are asked in this order, and the first that has a rule decides. There the most particular host
  /// wins; of several rules for it the oldest, with the subsets of all.
  func traffic(to key: ServiceKey, from namespace: String) -> DestinationTraffic {
    for home in [namespace, key.namespace, rootNamespace] {
      func isSeen(_ rule: DestinationRuleObject) -> Bool {
        rule.meta.namespace == home && HostName.isVisible(rule.exportTo, from: home, in: namespace)
      }
      var chosen = (named[key.hostname] ?? []).filter(isSeen)
      if chosen.isEmpty {
        let candidates = patterns.filter { isSeen($0) && HostTable.matches(key.hostname, $0.host) }
        let longest = candidates.map(\.host.count).max()
        chosen = candidates.filter { $0.host.count == longest }
      }
      guard let rule = chosen.first else { continue }
      var subsets: [WrittenSubset] = []
      for subset in chosen.flatMap(\.subsets) where !subsets.contains(where: { $0.name == subset.name }) {
        subsets.append(subset)
      }
      return DestinationTraffic(key, rule, subsets: subsets)
    }
    return DestinationTraffic(service: key)
  }

  /// The labels by which any rule tells the endpoints of a service apart.
  func labels(of key: ServiceKey) -> Set<String> {
    var names: Set<String> = []
    let rules = (named[key.hostname] ?? []) + patterns.filter { HostTable.matches(key.hostname, $0.host) }
    for rule in rules {
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
