import Bytes
import MeshModel

/// What a `Balancer` knows and decides, as one value: so that a pick is one access to the balancer, and all
/// else is checked by the compiler.
struct EndpointPool {
  private(set) var policy: TrafficPolicy
  /// Endpoints that lack one of these labels are not ours.
  private let subset: [String: String]
  private let standpoint: Standpoint

  var endpoints: [Endpoint?] = []
  var seats: [Seat] = []
  var standings: [Standing] = []
  private var slots: [EndpointID: Int] = [:]
  private var vacant: [Int] = []
  private var updates: UInt32 = 0

  var groups: [EndpointGroup] = []
  /// Groups have shares of the requests; otherwise the first that has an endpoint gets them all.
  var isDistributed = false
  /// When the youngest has warmed up, in nanoseconds of `Instant`.
  var warmUntil: UInt64 = 0

  var ready = 0
  /// Slots that are ready and ejected: never more than `ejectionLimit`.
  var ejected: [Int] = []
  /// When the next of them returns.
  var nextReturn = Instant(nanoseconds: .max)
  /// Too few are left: ejected ones are used like any other.
  var isPanicking = false
  /// Ejections since the start, and those that `maxEjectionPercent` forbade.
  var ejections = 0
  var ejectionsForgone = 0

  init(_ policy: TrafficPolicy, subset: [String: String], standpoint: Standpoint) {
    self.policy = policy
    self.subset = subset
    self.standpoint = standpoint
  }

  var counts: (all: Int, ready: Int, ejected: Int) { (slots.count, ready, ejected.count) }

  mutating func update(
    _ list: [Endpoint], now: Instant, using random: inout some RandomNumberGenerator
  ) {
    returnDue(now)
    updates &+= 1
    for endpoint in list where subset.allSatisfy({ endpoint.labels[$0.key] == $0.value }) {
      seat(endpoint, now: now)
    }
    for slot in seats.indices where seats[slot].isTaken && seats[slot].lastSeen != updates {
      if let endpoint = endpoints[slot] { slots[endpoint.id] = nil }
      endpoints[slot] = nil
      seats[slot] = Seat(generation: seats[slot].generation &+ 1)
      standings[slot] = Standing()
      vacant.append(slot)
    }
    settle(now: now, using: &random)
  }

  mutating func adopt(
    _ policy: TrafficPolicy, now: Instant, using random: inout some RandomNumberGenerator
  ) {
    guard policy != self.policy else { return }
    self.policy = policy
    settle(now: now, using: &random)
  }

  private mutating func seat(_ endpoint: Endpoint, now: Instant) {
    let slot = slots[endpoint.id] ?? vacate(for: endpoint.id)
    if endpoint.isReady, !seats[slot].isReady { seats[slot].since = now.nanoseconds }
    seats[slot].isTaken = true
    seats[slot].lastSeen = updates
    seats[slot].isReady = endpoint.isReady
    seats[slot].weight = endpoint.weight
    endpoints[slot] = endpoint
  }

  private mutating func vacate(for id: EndpointID) -> Int {
    let slot = vacant.popLast() ?? seats.count
    if slot == seats.count {
      endpoints.append(nil)
      seats.append(Seat())
      standings.append(Standing())
    }
    slots[id] = slot
    return slot
  }

  /// Everything that follows from who is there, who is ready, and the policy.
  private mutating func settle(now: Instant, using random: inout some RandomNumberGenerator) {
    ready = seats.reduce(0) { $0 + ($1.isReady ? 1 : 0) }
    ejected = []
    for slot in seats.indices where seats[slot].isEjected {
      if seats[slot].isReady, policy.outliers != nil {
        ejected.append(slot)
      } else {
        seats[slot].isEjected = false
        standings[slot].restore(now: now)
      }
    }
    // Fewer endpoints, fewer may be ejected: those return who would have returned first.
    ejected.sort { standings[$0].ejectedUntil < standings[$1].ejectedUntil }
    while ejected.count > ejectionLimit {
      let slot = ejected.removeFirst()
      seats[slot].isEjected = false
      standings[slot].restore(now: now)
    }
    nextReturn = ejected.first.map { standings[$0].ejectedUntil } ?? Instant(nanoseconds: .max)
    isPanicking = mustPanic
    regroup(using: &random)
    let warming = policy.balancing.warmUp.map { Bounds.interval(milliseconds: $0.duration).nanoseconds } ?? 0
    warmUntil = seats.reduce(0) { $1.isReady ? max($0, $1.since &+ warming) : $0 }
  }

  private mutating func regroup(using random: inout some RandomNumberGenerator) {
    let setting = policy.balancing.locality
    var targets: [(pattern: LocalityPattern, share: Int)]?
    if case .distribute(let shares) = setting {
      targets = Standpoint.targets(of: shares, from: standpoint.locality)
    }
    isDistributed = targets != nil
    var byRank: [Int: [Int]] = [:]
    for slot in seats.indices {
      seats[slot].group = -1
      guard let endpoint = endpoints[slot] else { continue }
      let rank =
        targets.map { $0.firstIndex { $0.pattern.matches(endpoint.locality) } }
        ?? standpoint.rank(of: endpoint, setting)
      if let rank { byRank[rank, default: []].append(slot) }
    }
    let earlier = groups
    var dice = Dice(using: &random)
    groups = []
    for (rank, slots) in byRank.sorted(by: { $0.key < $1.key }) {
      groups.append(
        group(
          groups.count, rank: rank, share: targets?[rank].share ?? 0, slots: slots,
          earlier: earlier.first { $0.rank == rank }, &dice))
    }
  }

  private mutating func group(
    _ index: Int, rank: Int, share: Int, slots: [Int], earlier: EndpointGroup?, _ dice: inout Dice
  ) -> EndpointGroup {
    let members = slots.map { (slot: $0, digest: endpoints[$0]?.digest ?? 0) }
      .sorted { ($0.digest, $0.slot) < ($1.digest, $1.slot) }
    let order = members.map(\.slot)
    let weights = order.map { seats[$0].weight }
    let usable = order.map { isUsable($0) }
    var group = EndpointGroup(
      rank: rank, share: share, members: order,
      tree: WeightTree(zip(weights, usable).map { $1 ? $0 : 0 }),
      usable: usable.reduce(0) { $0 + ($1 ? 1 : 0) },
      oldest: order.reduce(.max) { seats[$1].isReady ? min($0, seats[$1].since) : $0 },
      isUniform: weights.allSatisfy { $0 == weights[0] })
    switch policy.balancing.algorithm {
    case .leastRequest, .random: break
    case .roundRobin: group.queue = queue(order, usable, earlier, &dice)
    case .hash(_, let kind):
      let source = HashTable.Source(kind: kind, digests: members.map(\.digest), weights: weights)
      group.table = earlier?.table.flatMap { $0.source == source ? $0 : nil } ?? HashTable(source)
    }
    for (position, slot) in order.enumerated() {
      seats[slot].group = Int32(index)
      seats[slot].position = Int32(position)
    }
    return group
  }

  /// Those that were in turn keep their turns; the others come in somewhere in the next round, at random, so
  /// that several balancers do not start with the same endpoint.
  private func queue(
    _ order: [Int], _ usable: [Bool], _ earlier: EndpointGroup?, _ dice: inout Dice
  ) -> FairQueue {
    var turns: [Int: Double] = [:]
    if let earlier, let queue = earlier.queue {
      for (position, slot) in earlier.members.enumerated() where queue.isServed(position) {
        turns[slot] = queue.turn(of: position)
      }
    }
    var queue = FairQueue(count: order.count, present: earlier?.queue?.present ?? 0)
    for (position, slot) in order.enumerated() where usable[position] {
      let fresh = queue.present + dice.fraction() / Double(seats[slot].weight)
      queue.join(position, turn: turns[slot] ?? fresh)
    }
    return queue
  }

  func isUsable(_ slot: Int) -> Bool {
    seats[slot].isReady && (isPanicking || !seats[slot].isEjected)
  }
}
