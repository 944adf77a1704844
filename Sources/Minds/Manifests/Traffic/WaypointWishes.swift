import MeshModel

/// What a ServiceAccount's annotations ask of the waypoint before it. One that cannot be read counts as not
/// written, and is an error.
public struct WaypointWishes: Hashable, Sendable {
  /// `apus.io/waypoint: always`: it runs from the start, though nothing else needs it, and is never idle.
  public var isAlwaysOn = false
  /// `apus.io/waypoint-replicas`: how many run, when it runs; 1 to 64.
  public var replicas = 1

  static let presence = "apus.io/waypoint"
  static let count = "apus.io/waypoint-replicas"
  private static let prefix = "apus.io/"
  private static let known = [presence, count]

  public init() {}

  init(reading object: Section, _ meta: ObjectMeta) {
    let annotations = object.section("metadata")?.section("annotations")
    for (name, text) in meta.annotations.sorted(by: { $0.key < $1.key }) where name.hasPrefix(Self.prefix) {
      switch name {
      case Self.presence:
        isAlwaysOn = text == "always"
        guard !isAlwaysOn, text != "on-demand" else { continue }
        annotations?.invalid(name, "\(text.debugDescription) is neither \"always\" nor \"on-demand\"")
      case Self.count:
        if let count = Int(text), WaypointConfiguration.replicaLimits.contains(count) {
          replicas = count
        } else {
          let limits = WaypointConfiguration.replicaLimits
          annotations?.invalid(
            name, "\(text.debugDescription) is no number from \(limits.lowerBound) to \(limits.upperBound)")
        }
      default:
        annotations?.invalid(
          name, "is none that a ServiceAccount has", remedy: "Use \(Self.known.joined(separator: " or ")).")
      }
    }
  }
}

extension WaypointConfiguration {
  mutating func apply(_ wishes: WaypointWishes) {
    isAlwaysOn = wishes.isAlwaysOn
    replicas = wishes.replicas
  }
}
