import MeshModel

/// The names of the mesh's own trust domain. Policies may use any of them, and `cluster.local`, for all.
struct TrustDomainAliases {
  let own: [String]
  private let written: Set<String>

  init(_ options: CompileOptions) {
    var names: [String] = []
    for domain in [options.trustDomain] + options.trustDomainAliases where !names.contains(domain.name) {
      names.append(domain.name)
    }
    own = names
    written = Set(names + [TrustDomain.clusterLocal.name])
  }

  /// The trust domains that one stands for.
  func names(_ domain: String) -> [String] { written.contains(domain) ? own : [domain] }

  /// A principal, whole or as a pattern, as each of the trust domains spells it.
  func spellings(_ principal: String) -> [String] {
    guard let slash = principal.firstIndex(of: "/") else { return [principal] }
    return names(String(principal[..<slash])).map { $0 + principal[slash...] }
  }
}
