import Bytes
import MeshModel

/// Which waypoints are to run: those that are wanted and that somebody has asked for. Pure.
struct WaypointDemand: Hashable {
  /// Waypoint and how many of it.
  private(set) var wanted: [WaypointName: Wanted] = [:]
  private var asked: [WaypointName: Instant] = [:]
  /// The replicas that say that they are idle, and when they said it last.
  private var idle: [WaypointName: [String: Instant]] = [:]
  /// When each was last let go.
  private(set) var released: [WaypointName: Instant] = [:]

  struct Wanted: Hashable {
    var service: ServiceKey
    var replicas: Int
    var isAlwaysOn: Bool
  }

  /// A release that comes so soon after a demand was sent before the waypoint knew of it.
  static let releasePause = Interval.seconds(2)
  /// A replica that does not say again that it is idle is not: it says so every five seconds.
  static let idleness = Interval.seconds(8)

  /// Waypoints that are not wanted any more are forgotten, and stop.
  mutating func replace(with wanted: [WaypointName: Wanted]) {
    self.wanted = wanted
    asked = asked.filter { wanted[$0.key] != nil }
    idle = idle.filter { wanted[$0.key] != nil }
    released = released.filter { wanted[$0.key] != nil }
  }

  /// Somebody holds connections for it; false when no such waypoint is wanted.
  mutating func activate(_ service: ServiceKey, at now: Instant) -> Bool {
    guard let name = wanted.first(where: { $0.value.service == service })?.key else { return false }
    asked[name] = now
    return true
  }

  /// A replica of the waypoint is idle; false when it must go on all the same: somebody has just asked for
  /// it, or others are not idle. `isShared`: somebody else may have been asked for it.
  mutating func release(
    _ name: WaypointName, pod: String, isShared: Bool = false, at now: Instant
  ) -> Bool {
    guard let wanted = wanted[name] else { return true }
    guard !wanted.isAlwaysOn else { return false }
    if isShared, asked[name] == nil { asked[name] = Instant(nanoseconds: 0) }
    guard let last = asked[name] else { return true }
    guard now - last >= Self.releasePause else { return false }
    var replicas = (idle[name] ?? [:]).filter { now - $0.value < Self.idleness }
    // Nobody has more replicas than may be asked for.
    if replicas.count < WaypointConfiguration.replicaLimits.upperBound { replicas[pod] = now }
    idle[name] = replicas
    guard replicas.count >= wanted.replicas else { return false }
    asked[name] = nil
    idle[name] = nil
    released[name] = now
    return true
  }

  /// How many of each are to run.
  var running: [WaypointName: Int] {
    wanted.filter { $0.value.isAlwaysOn || asked[$0.key] != nil }.mapValues(\.replicas)
  }
}
