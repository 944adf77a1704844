/// What policies that decide nothing said of a connection when it was judged: the AUDIT policies that match,
/// and what those of a dry run would have done. Immutable and shared, so that a connection of which nothing
/// is said carries no more than a nil.
public final class PolicyRemarks: Sendable {
  /// What a policy of a dry run would have done (annotation `istio.io/dry-run`).
  public enum DryRun: Hashable, Sendable, CustomStringConvertible {
    /// A DENY that matches: `policy:<namespace>/<name>`, the reason it would be refused for.
    case deny(String)
    /// An ALLOW that matches: `allow:<namespace>/<name>`.
    case allow(String)
    /// The connection is allowed, and with the ALLOW policies of the dry run it would not be.
    case noPolicyAllows

    public var description: String {
      switch self {
      case .deny(let key): RefusalReason.policy(key).description
      case .allow(let key): "allow:\(key)"
      case .noPolicyAllows: RefusalReason.noPolicyAllows.description
      }
    }
  }

  /// Policies named of each kind: enough to see who is concerned, and a line that stays one.
  public static let limit = 4

  /// `namespace/name` of the AUDIT policies that match, at most `limit`.
  public let audits: [String]
  /// At most `limit` that deny, as many that allow, and one more.
  public let dryRuns: [DryRun]
  /// More match than are named.
  public let areAuditsCut: Bool
  public let areDryRunsCut: Bool

  public init(
    audits: [String] = [], dryRuns: [DryRun] = [], areAuditsCut: Bool = false, areDryRunsCut: Bool = false
  ) {
    self.audits = audits
    self.dryRuns = dryRuns
    self.areAuditsCut = areAuditsCut
    self.areDryRunsCut = areDryRunsCut
  }
}
