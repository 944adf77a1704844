public import Manifests

/// What the mesh would decide about a connection, and why.
public struct Explanation: Sendable {
  /// One policy that was looked at.
  public struct Considered: Sendable {
    /// `ALLOW namespace/name` or `DENY namespace/name`.
    public var title: String
    /// Of the matching or closest rule, else of the policy; nil for what no file says.
    public var place: Place?
    public var matches: Bool
    /// What the closest rule asks and the connection is not; empty when it matches.
    public var differing: [String]
  }

  public var isAllowed: Bool
  /// The decision in one sentence.
  public var sentence: String
  /// The machine-readable token of a denial (`x-apus-reason`); empty when allowed.
  public var reason: String
  /// The rule or policy that decided; nil when nothing asked for more.
  public var decidedBy: Considered?
  /// Of a denial for want of an ALLOW: the policy of which the least is missing.
  public var nearestMiss: Considered?
  public var considered: [Considered]
  /// The source's SPIFFE id, or why it has none.
  public var source: String
  /// The workload and address that were judged.
  public var destination: String
}
