/// Flows, at most so many: where there is no room, the one that was not seen for the longest time is
/// forgotten. Callers of whom only the address is known have a share of their own, so that a scan cannot push
/// out those who are known.
public struct FlowTable: Sendable {
  /// Flows that are kept; each takes about 500 bytes, 2 MiB in all.
  public static let usualLimit = 4_096
  /// One in so many may be of a caller known by its address alone.
  static let strangerShare = 4

  private var known: RecentFlows
  private var strangers: RecentFlows

  public init(limit: Int = Self.usualLimit) {
    precondition(limit >= Self.strangerShare, "a table of flows that holds nothing")
    strangers = RecentFlows(limit: limit / Self.strangerShare)
    known = RecentFlows(limit: limit - limit / Self.strangerShare)
  }

  /// How many flows were forgotten for want of room.
  public var evicted: UInt64 { known.evicted + strangers.evicted }

  public var count: Int { known.count + strangers.count }

  /// In no particular order.
  public var flows: [Flow] { known.flows + strangers.flows }

  public mutating func update(_ key: Flow.Key, _ change: (inout Flow) -> Void) {
    if key.strangerAddress == nil { known.update(key, change) } else { strangers.update(key, change) }
  }
}

/// Flows in the order in which they were last touched, as a list through the slots of an array.
private struct RecentFlows: Sendable {
  private struct Slot {
    var flow: Flow
    var newer: Int
    var older: Int
  }

  private let limit: Int
  private var places: [Flow.Key: Int] = [:]
  private var slots: [Slot] = []
  private var newest = -1
  private var oldest = -1
  private(set) var evicted: UInt64 = 0

  init(limit: Int) { self.limit = limit }

  var count: Int { slots.count }

  var flows: [Flow] { slots.map(\.flow) }

  mutating func update(_ key: Flow.Key, _ change: (inout Flow) -> Void) {
    let place = place(of: key)
    change(&slots[place].flow)
  }

  /// The slot of the key, now the newest.
  private mutating func place(of key: Flow.Key) -> Int {
    if let place = places[key] {
      unlink(place)
      link(place)
      return place
    }
    let place: Int
    if slots.count < limit {
      place = slots.count
      slots.append(Slot(flow: Flow(key), newer: -1, older: -1))
    } else {
      place = oldest
      unlink(place)
      places[slots[place].flow.key] = nil
      slots[place].flow = Flow(key)
      evicted += 1
    }
    places[key] = place
    link(place)
    return place
  }

  private mutating func unlink(_ place: Int) {
    let (newer, older) = (slots[place].newer, slots[place].older)
    if newer >= 0 { slots[newer].older = older } else { newest = older }
    if older >= 0 { slots[older].newer = newer } else { oldest = newer }
  }

  private mutating func link(_ place: Int) {
    slots[place].newer = -1
    slots[place].older = newest
    if newest >= 0 { slots[newest].newer = place } else { oldest = place }
    newest = place
  }
}
