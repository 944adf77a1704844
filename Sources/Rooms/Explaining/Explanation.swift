public import Manifests

/// What the mesh would decide about a connection, and why.
public struct Explanation: Sendable {
  /// One policy that was looked at.
  public struct Considered: Sendable {
    /// What a rule that matches means.
    public enum Action: String, Sendable {
      case allow = "ALLOW"
      case deny = "DENY"
      /// Marks, and never decides.
      case audit = "AUDIT"
    }

    public var action: Action
    /// `namespace/name`; of a PeerAuthentication, with its kind.
    public var policy: String
    /// Of the matching or closest rule, else of the policy; nil when it comes from no file.
    public var place: Place?
    /// The rule that matches or comes closest, counted from 0, as agents hold the policy; nil for a policy
    /// without rules.
    public var rule: Int?
    public var matches: Bool
    /// It decides nothing.
    public var isDryRun: Bool
    /// What the closest rule asks and the connection is not; empty when it matches.
    public var differing: [String]

    /// `ALLOW namespace/name`, as every text names it.
    public var title: String { "\(action.rawValue) \(policy)\(isDryRun ? " (dry run)" : "")" }
  }

  /// Where a waypoint sends the request, and by which rule; nil where no waypoint sees it.
  public var route: String?
  public var isAllowed: Bool
  /// The decision in one sentence.
  public var sentence: String
  /// The machine-readable token of a denial (`x-apus-reason`); empty when allowed, or when the handshake
  /// fails before anything could be said.
  public var reason = ""
  /// The rule or policy that decided; nil when nothing asked for more.
  public var decidedBy: Considered?
  /// Of a denial for want of an ALLOW: the policy of which the least is missing.
  public var nearestMiss: Considered?
  public var considered: [Considered] = []
  /// What limits this answer: parts that are not looked at, and what was assumed.
  public var notes: [String] = []
  /// The source's SPIFFE id, or why it has none.
  public var source: String
  /// The workload and port that were judged.
  public var destination: String
}
