/// A ring on which every endpoint has points in proportion to its weight; a hash belongs to the next point.
///
/// Up to the minimum size the number of points of each depends on how many endpoints there are, so that one
/// that goes moves its own share and about as much besides; with more endpoints it moves its own share only.
struct HashRing {
  /// Of an endpoint of average weight. The shares of equal endpoints then differ by a fifth or so.
  static let usualPoints = 32
  /// 8 bytes each; larger `minimumRingSize` are taken for this.
  static let maximumSize = 1 << 18
  /// Beyond so many points of endpoints that are left out, the choice is made by weight instead.
  static let longestWalk = 64

  /// In the low bits of a point: whose it is. More endpoints than that are not expected.
  private static let ownerBits: UInt64 = 24

  /// Sorted: the high 40 bits are the place on the ring.
  let points: [UInt64]

  init(_ members: [(digest: UInt64, weight: Int)], minimumSize: Int) {
    let scale = Self.pointsPerWeight(members, minimumSize: minimumSize)
    var ring: [UInt64] = []
    ring.reserveCapacity(Int(scale * Double(members.reduce(0) { $0 + $1.weight })) + members.count)
    for (owner, member) in members.prefix(1 << Self.ownerBits).enumerated() {
      let count = max(1, Int((scale * Double(member.weight)).rounded(.up)))
      for index in 0..<count {
        let place = StableHash.mix(member.digest &+ UInt64(index) &* 0x9e37_79b9_7f4a_7c15)
        ring.append((place &>> Self.ownerBits) &<< Self.ownerBits | UInt64(owner))
      }
    }
    points = Self.sorted(ring)
  }

  /// By place, those of one place in the order given. By digits, since large rings are made again while
  /// requests wait: five times as fast as by comparing.
  private static func sorted(_ ring: [UInt64]) -> [UInt64] {
    let digitBits: UInt64 = 10
    var from = ring
    var to = ring
    for pass in 0..<(64 - ownerBits) / digitBits {
      let shift = ownerBits + pass * digitBits
      var starts = [Int](repeating: 0, count: 1 << digitBits)
      for point in from { starts[Int(point >> shift & 0x3ff)] += 1 }
      var sum = 0
      for digit in starts.indices { (starts[digit], sum) = (sum, sum + starts[digit]) }
      for point in from {
        let digit = Int(point >> shift & 0x3ff)
        to[starts[digit]] = point
        starts[digit] += 1
      }
      swap(&from, &to)
    }
    return from
  }

  var count: Int { points.count }

  static func pointsPerWeight(_ members: [(digest: UInt64, weight: Int)], minimumSize: Int) -> Double {
    let weight = Double(members.reduce(0) { $0 + $1.weight })
    guard weight > 0 else { return 1 }
    let wanted = min(max(minimumSize, usualPoints * members.count), maximumSize)
    return Double(wanted) / weight
  }

  /// The position to which the hash belongs, or the next one that may be used.
  func find(_ hash: UInt64, where isUsable: (Int) -> Bool) -> Int? {
    guard !points.isEmpty else { return nil }
    var low = 0
    var high = points.count
    while low < high {
      let middle = (low + high) / 2
      if points[middle] < hash { low = middle + 1 } else { high = middle }
    }
    for step in 0..<min(Self.longestWalk, points.count) {
      let owner = Int(points[(low + step) % points.count] & (1 << Self.ownerBits - 1))
      if isUsable(owner) { return owner }
    }
    return nil
  }
}
