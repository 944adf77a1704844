/// The rules of policies that are recorded and never enforced. Of a group that has none there is none, so
/// that nobody else pays for them.
public final class WatchingRules: Sendable {
  /// Rules of AUDIT policies.
  public let auditing: RuleIndex
  /// Rules of DENY and of ALLOW policies in a dry run.
  public let dryDenying: RuleIndex
  public let dryAllowing: RuleIndex
  /// True when some ALLOW policy is in a dry run.
  public let dryRestricts: Bool

  /// Nil when no policy is of that kind.
  init?(_ policies: [Authorization]) {
    guard policies.contains(where: { $0.action == .audit || $0.isDryRun }) else { return nil }
    auditing = RuleIndex(policies) { $0.action == .audit }
    dryDenying = RuleIndex(policies) { $0.action == .deny && $0.isDryRun }
    dryAllowing = RuleIndex(policies) { $0.action == .allow && $0.isDryRun }
    dryRestricts = policies.contains { $0.action == .allow && $0.isDryRun }
  }
}
