import Bytes
import MeshModel

/// Which waypoints are to run: those that are wanted and that somebody has asked for. Pure.
struct WaypointDemand {
  /// Waypoint and how many of it.
  private(set) var wanted: [WaypointName: Wanted] = [:]
  private var asked: [WaypointName: Instant] = [:]

  struct Wanted: Hashable {
    var service: ServiceKey
    var replicas: Int
    var isAlwaysOn: Bool
  }

  /// A release that comes so soon after a demand was sent before the waypoint knew of it.
  static let releasePause = Interval.seconds(2)

  /// Waypoints that are not wanted any more are forgotten, and stop.
  mutating func replace(with wanted: [WaypointName: Wanted]) {
    self.wanted = wanted
    asked = asked.filter { wanted[$0.key] != nil }
  }

  /// Somebody holds connections for it; false when no such waypoint is wanted.
  mutating func activate(_ service: ServiceKey, at now: Instant) -> Bool {
    guard let name = wanted.first(where: { $0.value.service == service })?.key else { return false }
    asked[name] = now
    return true
  }

  /// The waypoint is idle; false when it must go on all the same.
  mutating func release(_ name: WaypointName, at now: Instant) -> Bool {
    guard let last = asked[name] else { return wanted[name]?.isAlwaysOn != true }
    guard now - last >= Self.releasePause else { return false }
    asked[name] = nil
    return wanted[name]?.isAlwaysOn != true
  }

  /// How many of each are to run.
  var running: [WaypointName: Int] {
    wanted.filter { $0.value.isAlwaysOn || asked[$0.key] != nil }.mapValues(\.replicas)
  }
}
