/// The policies that bind one workload, resolved: those of the mesh, of its namespace, and its own by name.
public struct ApplicablePolicies: Hashable, Sendable {
  /// In order: mesh, namespace, workload; within the first two by name.
  public var groups: [PolicyGroup]
  /// `namespace/name` of policies that bind the workload but are not at hand: not arrived, or unreadable. Any
  /// entry denies, because the missing policy might have.
  public var missing: [String]
  /// False until the first complete delivery of policies; then nobody can say what binds the workload.
  public var isDelivered: Bool
  /// The workload is behind a waypoint, and only these may reach it: the waypoint judges who comes through
  /// it. Nil when there is no waypoint; empty when nobody knows yet who it is.
  public var waypoints: [Identity]?

  public init(groups: [PolicyGroup], missing: [String] = [], isDelivered: Bool = true) {
    self.groups = groups
    self.missing = missing
    self.isDelivered = isDelivered
  }

  public init(_ policies: [Authorization], missing: [String] = [], isDelivered: Bool = true) {
    self.init(groups: [PolicyGroup(policies)], missing: missing, isDelivered: isDelivered)
  }

  /// True when one of them is only recorded: AUDIT, or a dry run.
  public var watches: Bool { groups.contains { $0.watching != nil } }

  /// All of them, in order.
  public var policies: [Authorization] { groups.flatMap(\.policies) }
}
