/// Policies that bind the same workloads, with an index of their rules. Immutable and shared: by every
/// workload of a namespace, and by every snapshot until one of them changes.
public final class PolicyGroup: Sendable {
  /// The order decides which of several policies that deny is named.
  public let policies: [Authorization]
  /// Rules of the DENY policies that are enforced.
  public let denying: RuleIndex
  /// Rules of the ALLOW policies that are enforced.
  public let allowing: RuleIndex
  /// True when some ALLOW policy is enforced: then only what one allows is allowed.
  public let restricts: Bool
  /// The policies that are only recorded; nil when there are none.
  public let watching: WatchingRules?

  public static let empty = PolicyGroup([])

  public init(_ policies: [Authorization]) {
    self.policies = policies
    denying = RuleIndex(policies) { $0.action == .deny && !$0.isDryRun }
    allowing = RuleIndex(policies) { $0.action == .allow && !$0.isDryRun }
    restricts = policies.contains { $0.action == .allow && !$0.isDryRun }
    watching = WatchingRules(policies)
  }

  public subscript(reference: RuleIndex.Reference) -> Authorization.Rule {
    policies[Int(reference.policy)].rules[Int(reference.rule)]
  }
}

extension PolicyGroup: Hashable {
  public static func == (left: PolicyGroup, right: PolicyGroup) -> Bool {
    left === right || left.policies == right.policies
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(policies) }
}
