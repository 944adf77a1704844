import Bytes
import MeshModel

/// Whose turn it is among the replicas of each waypoint, on one worker. Connections are few and live long, so
/// chance would spread them badly: sixty over three by lot are seldom within a fifth of twenty each.
struct Turns {
  /// Waypoints counted at most; one more makes all begin again somewhere.
  private static let maximum = 4_096

  private var counts: [ServiceKey: UInt] = [:]

  /// Counts up from a number by chance, so that workers do not go the same way together.
  mutating func next(for waypoint: ServiceKey, using random: inout FastRandom) -> UInt {
    if counts.count >= Self.maximum, counts[waypoint] == nil { counts = [:] }
    let turn = (counts[waypoint] ?? UInt(truncatingIfNeeded: random.next())) &+ 1
    counts[waypoint] = turn
    return turn
  }
}
