import Bytes
import MeshModel

extension EndpointPool {
  /// How many of the endpoints that are ready may be ejected: `maxEjectionPercent` of them, rounded down, but
  /// one if there are several and it is not 0.
  static func ejectionLimit(ready: Int, percent: Int) -> Int {
    let share = ready * Bounds.percent(percent) / 100
    return percent > 0 && ready > 1 ? max(share, 1) : share
  }

  var ejectionLimit: Int {
    Self.ejectionLimit(ready: ready, percent: policy.outliers?.maxEjectionPercent ?? 0)
  }

  /// Fewer than `minHealthPercent` of those that are ready are left.
  var mustPanic: Bool {
    guard let rule = policy.outliers, rule.minHealthPercent > 0, ready > 0 else { return false }
    return (ready - ejected.count) * 100 < Bounds.percent(rule.minHealthPercent) * ready
  }

  func isEjected(_ handle: EndpointHandle) -> Bool {
    slot(of: handle).map { seats[$0].isEjected } ?? false
  }

  mutating func observe(_ observation: Observation, of handle: EndpointHandle, now: Instant) {
    guard let rule = policy.outliers, let slot = slot(of: handle) else { return }
    returnDue(now)
    guard standings[slot].record(observation, rule), seats[slot].isReady, !seats[slot].isEjected else {
      return
    }
    guard ejected.count < ejectionLimit, !isPanicking else {
      ejectionsForgone += 1
      return
    }
    standings[slot].eject(rule, now: now)
    seats[slot].isEjected = true
    ejected.append(slot)
    ejections += 1
    nextReturn = min(nextReturn, standings[slot].ejectedUntil)
    refresh([slot])
  }

  /// Those whose time is over return.
  mutating func returnDue(_ now: Instant) {
    guard now >= nextReturn else { return }
    let due = ejected.filter { standings[$0].ejectedUntil <= now }
    ejected.removeAll { standings[$0].ejectedUntil <= now }
    for slot in due {
      seats[slot].isEjected = false
      standings[slot].restore(now: standings[slot].ejectedUntil)
    }
    nextReturn = ejected.map { standings[$0].ejectedUntil }.min() ?? Instant(nanoseconds: .max)
    refresh(due)
  }

  func slot(of handle: EndpointHandle) -> Int? {
    let slot = Int(handle.slot)
    return slot < seats.count && seats[slot].generation == handle.generation && seats[slot].isTaken
      ? slot : nil
  }

  /// These were ejected or returned: brings what follows from that up to date.
  private mutating func refresh(_ slots: [Int]) {
    let panicked = isPanicking
    isPanicking = mustPanic
    for slot in slots { place(slot) }
    if panicked != isPanicking { for slot in ejected { place(slot) } }
  }

  /// In or out of the choice.
  private mutating func place(_ slot: Int) {
    let (index, position) = (Int(seats[slot].group), Int(seats[slot].position))
    guard index >= 0 else { return }
    let usable = isUsable(slot)
    guard usable != (groups[index].tree.weight(at: position) > 0) else { return }
    groups[index].tree.set(position, usable ? seats[slot].weight : 0)
    groups[index].usable += usable ? 1 : -1
    guard let present = groups[index].queue?.present else { return }
    if usable {
      groups[index].queue?.join(position, turn: present)
    } else {
      groups[index].queue?.leave(position)
    }
  }
}
