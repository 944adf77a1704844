import Bytes
import MeshModel

extension EndpointPool {
  /// How often a warming endpoint is drawn again before it is taken as drawn.
  private static let redraws = 32

  mutating func pick(
    hash: UInt64?, excluding tried: [EndpointHandle], now: Instant,
    using random: inout some RandomNumberGenerator
  ) -> (endpoint: Endpoint, handle: EndpointHandle)? {
    returnDue(now)
    var dice = Dice(using: &random)
    let request = Request(hash: hash, tried: tried, now: now.nanoseconds)
    var slot = choose(request, &dice)
    if slot == nil, !tried.isEmpty {
      slot = choose(Request(hash: hash, tried: [], now: now.nanoseconds), &dice)
    }
    guard let slot, let endpoint = endpoints[slot] else { return nil }
    seats[slot].active += 1
    return (endpoint, handle(of: slot))
  }

  func active(at handle: EndpointHandle) -> Int { slot(of: handle).map { Int(seats[$0].active) } ?? 0 }

  mutating func release(_ handle: EndpointHandle) {
    if let slot = slot(of: handle) { seats[slot].active -= 1 }
  }

  func handle(of slot: Int) -> EndpointHandle {
    EndpointHandle(slot: UInt32(slot), generation: seats[slot].generation)
  }

  private struct Request {
    let hash: UInt64?
    let tried: [EndpointHandle]
    let now: UInt64
  }

  private mutating func choose(_ request: Request, _ dice: inout Dice) -> Int? {
    if isDistributed, let index = drawGroup(request, &dice), let slot = choose(in: index, request, &dice) {
      return slot
    }
    for index in groups.indices where groups[index].usable > 0 && !(isDistributed && groups[index].share == 0)
    {
      if let slot = choose(in: index, request, &dice) { return slot }
    }
    return nil
  }

  /// By share, among the groups that have an endpoint; always the same for the same hash.
  private func drawGroup(_ request: Request, _ dice: inout Dice) -> Int? {
    let total = groups.reduce(0) { $0 + ($1.usable > 0 ? $1.share : 0) }
    guard total > 0 else { return nil }
    var stable = Dice(seed: request.hash ?? dice.next())
    var point = stable.below(total)
    return groups.firstIndex { group in
      guard group.usable > 0 else { return false }
      point -= group.share
      return point < 0
    }
  }

  private mutating func choose(in index: Int, _ request: Request, _ dice: inout Dice) -> Int? {
    guard groups[index].usable > 0 else { return nil }
    switch policy.balancing.algorithm {
    case .leastRequest: return leastRequest(index, request, &dice)
    case .random: return draw(index, request, &dice)
    case .roundRobin: return roundRobin(index, request)
    case .hash: return hashed(index, request, &dice)
    }
  }

  private func isTried(_ slot: Int, _ request: Request) -> Bool {
    !request.tried.isEmpty && request.tried.contains(handle(of: slot))
  }

  /// Of two drawn at random the one with fewer requests for its weight; of equals the first drawn, which
  /// keeps the shares of an idle service in proportion to the weights.
  private func leastRequest(_ index: Int, _ request: Request, _ dice: inout Dice) -> Int? {
    guard let first = draw(index, request, &dice) else { return nil }
    guard groups[index].usable > 1, let second = draw(index, request, &dice, besides: first) else {
      return first
    }
    let (a, b) = (load(first, index, request), load(second, index, request))
    return b < a ? second : first
  }

  private func load(_ slot: Int, _ index: Int, _ request: Request) -> Double {
    Double(seats[slot].active) / (Double(seats[slot].weight) * warmth(slot, index, request.now))
  }

  /// In proportion to weight and warmth. Who was tried is drawn again a few times, then searched past.
  private func draw(
    _ index: Int, _ request: Request, _ dice: inout Dice, besides other: Int? = nil
  ) -> Int? {
    for _ in 0..<Self.redraws {
      let slot = drawOnce(index, &dice, besides: other)
      if isTried(slot, request) { continue }
      let warmth = warmth(slot, index, request.now)
      if warmth >= 1 || dice.fraction() < warmth { return slot }
    }
    let members = groups[index].members
    let start = dice.below(members.count)
    for step in members.indices {
      let slot = members[(start + step) % members.count]
      if slot != other, isUsable(slot), !isTried(slot, request) { return slot }
    }
    return nil
  }

  private func drawOnce(_ index: Int, _ dice: inout Dice, besides other: Int?) -> Int {
    let hole = other.map { Int(seats[$0].position) }
    if groups[index].isUniform, groups[index].isWhole {
      var position = dice.below(groups[index].members.count - (hole == nil ? 0 : 1))
      if let hole, position >= hole { position += 1 }
      return groups[index].members[position]
    }
    guard let hole else { return member(index, at: dice.below(groups[index].tree.total)) }
    let width = groups[index].tree.weight(at: hole)
    let point = dice.below(groups[index].tree.total - width)
    let start = groups[index].tree.start(of: hole)
    return member(index, at: point < start ? point : point + width)
  }

  private func member(_ index: Int, at point: Int) -> Int {
    groups[index].members[groups[index].tree.find(point)]
  }

  /// The part of its weight that a warming endpoint has, relative to the oldest of its group: when all are
  /// equally young, none is held back.
  private func warmth(_ slot: Int, _ index: Int, _ now: UInt64) -> Double {
    guard now < warmUntil, let rule = policy.balancing.warmUp else { return 1 }
    let own = rule.share(age: age(seats[slot].since, now))
    return own >= 1 ? 1 : own / rule.share(age: age(groups[index].oldest, now))
  }

  private func age(_ since: UInt64, _ now: UInt64) -> Interval {
    Interval(nanoseconds: now > since ? now - since : 0)
  }

  /// The first in turn who was not tried; those before keep their turns.
  private mutating func roundRobin(_ index: Int, _ request: Request) -> Int? {
    var passed: [(position: Int, turn: Double)] = []
    var chosen: Int?
    while let position = groups[index].queue?.first {
      let slot = groups[index].members[position]
      guard isTried(slot, request) else {
        let distance = 1 / (Double(seats[slot].weight) * warmth(slot, index, request.now))
        groups[index].queue?.serveFirst(distance)
        chosen = slot
        break
      }
      passed.append((position, groups[index].queue?.turn(of: position) ?? 0))
      groups[index].queue?.leave(position)
    }
    for entry in passed { groups[index].queue?.join(entry.position, turn: entry.turn) }
    return chosen
  }

  private func hashed(_ index: Int, _ request: Request, _ dice: inout Dice) -> Int? {
    guard let hash = request.hash, let table = groups[index].table else { return draw(index, request, &dice) }
    let members = groups[index].members
    let position = table.find(StableHash.mix(hash)) { position in
      isUsable(members[position]) && !isTried(members[position], request)
    }
    if let position { return members[position] }
    var stable = Dice(seed: hash)
    return draw(index, request, &stable)
  }
}
