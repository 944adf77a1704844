public import MeshModel

/// A waypoint as it is listed: from the control plane, or as manifests would have it.
public struct WaypointRow: Hashable, Sendable {
  public var waypoint: WaypointName
  public var isAlwaysOn: Bool
  /// As many run when it runs.
  public var replicas: Int
  /// Of those that run; nil where nobody runs it, as far as is known.
  public var ready: Int?
  /// Why there is one, a clause each.
  public var reasons: [String]

  public init(
    waypoint: WaypointName, isAlwaysOn: Bool, replicas: Int, ready: Int? = nil, reasons: [String]
  ) {
    self.waypoint = waypoint
    self.isAlwaysOn = isAlwaysOn
    self.replicas = replicas
    self.ready = ready
    self.reasons = reasons
  }

  /// As manifests would have it.
  public init(_ configuration: WaypointConfiguration) {
    self.init(
      waypoint: configuration.waypoint, isAlwaysOn: configuration.isAlwaysOn,
      replicas: configuration.replicas, reasons: configuration.reasons)
  }

  public static func listing(_ waypoints: [WaypointRow], _ scope: NamespaceScope) -> Listing {
    Listing(
      "waypoints",
      [
        .init("namespace", "NAMESPACE"), .init("name", "WAYPOINT", minimum: 16),
        .init("mode", "MODE", minimum: 9), .init("ready", "READY", minimum: 5),
        .init("reasons", "WHY", minimum: 20), .init("serviceAccount", "ACCOUNT", isWide: true),
        .init("replicas", nil), .init("state", nil),
      ],
      waypoints.filter { scope.holds($0.waypoint.namespace) }.map(\.row))
  }

  private var row: Listing.Row {
    let mode = isAlwaysOn ? "always" : "on demand"
    let state = ready.map { $0 == 0 ? isAlwaysOn ? "starting" : "idle" : "running" }
    let why = reasons.isEmpty ? "-" : reasons.joined(separator: "; ")
    return Listing.Row(
      [
        "namespace": .text(waypoint.namespace), "name": .text(waypoint.name), "mode": .text(mode),
        "ready": JSONTree(ready), "reasons": JSONTree(reasons),
        "serviceAccount": .text(waypoint.serviceAccount), "replicas": JSONTree(replicas),
        "state": JSONTree(state),
      ],
      cells: ["ready": Self.count(ready, of: replicas, isAlwaysOn), "reasons": Cell(why)])
  }

  private static func count(_ ready: Int?, of replicas: Int, _ isAlwaysOn: Bool) -> Cell {
    guard let ready else { return Cell("-", .faint) }
    // One that sleeps until somebody asks is as it should be.
    let isAsleep = ready == 0 && !isAlwaysOn
    return Cell("\(ready)/\(replicas)", isAsleep ? .faint : ready < replicas ? .warning : .good)
  }
}
