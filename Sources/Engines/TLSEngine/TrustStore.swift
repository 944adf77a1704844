public import MeshModel

/// Which roots vouch for whom: the mesh's own roots for its own trust domain and that domain's other names,
/// a foreign mesh's roots for that mesh's trust domain, and none for any other. So a foreign authority can
/// never make an identity of ours, nor ours one of theirs.
///
/// Immutable; a change of trust is another store.
public struct TrustStore: Hashable, Sendable {
  /// The mesh's own roots. They alone vouch for servers that are known by name.
  public let roots: TrustBundle
  /// The mesh's own trust domain first, then its other names; nil when the roots vouch for whichever is
  /// asked for.
  public let domains: [TrustDomain]?
  /// The roots of foreign trust domains.
  public let foreign: [TrustDomain: TrustBundle]

  /// These roots vouch for every identity that a session expects; for sessions within one mesh alone.
  public init(_ roots: TrustBundle) {
    self.roots = roots
    domains = nil
    foreign = [:]
  }

  /// A foreign entry that claims one of our own domains counts for nothing.
  public init(
    _ roots: TrustBundle, home: TrustDomain, aliases: [TrustDomain] = [],
    foreign: [TrustDomain: TrustBundle] = [:]
  ) {
    let domains = [home] + aliases.filter { $0 != home }
    self.roots = roots
    self.domains = domains
    self.foreign = foreign.filter { !domains.contains($0.key) }
  }

  /// The roots that an identity of `domain` must come by; nil when nobody of it is trusted.
  public func bundle(for domain: TrustDomain) -> TrustBundle? {
    if let foreign = foreign[domain] { return foreign }
    guard let domains else { return roots }
    return domains.contains(domain) ? roots : nil
  }

  /// Whether `found` is who is expected: the same, or the same under another name of our own trust domain.
  public func isSame(_ found: Identity, as expected: Identity) -> Bool {
    if found == expected { return true }
    guard let domains, domains.contains(found.trustDomain), domains.contains(expected.trustDomain) else {
      return false
    }
    return found.namespace == expected.namespace && found.serviceAccount == expected.serviceAccount
  }

  /// Whether somebody whom `former` trusted may not be trusted any more.
  public func hasLost(of former: TrustStore) -> Bool {
    let own = (former.domains ?? []).map { ($0, former.roots) }
    return roots.lacks(former.roots)
      || (own + former.foreign.map { ($0, $1) }).contains { bundle(for: $0)?.lacks($1) ?? true }
  }
}

extension TrustBundle {
  fileprivate func lacks(_ other: TrustBundle) -> Bool {
    self != other && !other.certificates.allSatisfy { certificates.contains($0) }
  }
}
