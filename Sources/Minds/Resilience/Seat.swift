import Bytes

/// What a balancer knows of one endpoint and needs at every pick. Slots are taken again, so a generation
/// tells whose they are.
struct Seat {
  var generation: UInt32 = 0
  /// Requests under way.
  var active: Int32 = 0
  var weight = 1
  /// Nobody's when negative.
  var group: Int32 = -1
  /// In its group.
  var position: Int32 = 0
  var isTaken = false
  /// The last update that named it.
  var lastSeen: UInt32 = 0
  var isReady = false
  var isEjected = false
  /// When it became ready, in nanoseconds of `Instant`.
  var since: UInt64 = 0
}
