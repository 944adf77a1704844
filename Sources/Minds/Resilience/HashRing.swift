/// A ring on which every endpoint has points in proportion to its weight; a hash belongs to the next point.
///
/// Up to the minimum size the number of points of each depends on how many endpoints there are, so that one
/// that goes moves its own share and about as much besides; with more endpoints it moves its own share only.
struct HashRing {
  /// Of an endpoint of average weight. The shares of equal endpoints then differ by a fifth or so.
  static let usualPoints = 32
  /// 12 bytes each; larger `minimumRingSize` are taken for this.
  static let maximumSize = 1 << 18
  /// Beyond so many points of endpoints that are left out, the choice is made by weight instead.
  static let longestWalk = 64

  private let points: [UInt64]
  private let owners: [Int32]

  init(_ members: [(digest: UInt64, weight: Int)], minimumSize: Int) {
    let scale = Self.pointsPerWeight(members, minimumSize: minimumSize)
    var ring: [(point: UInt64, owner: Int32)] = []
    for (owner, member) in members.enumerated() {
      let count = max(1, Int((scale * Double(member.weight)).rounded(.up)))
      for index in 0..<count {
        ring.append((StableHash.mix(member.digest &+ UInt64(index) &* 0x9e37_79b9_7f4a_7c15), Int32(owner)))
      }
    }
    ring.sort { ($0.point, $0.owner) < ($1.point, $1.owner) }
    points = ring.map(\.point)
    owners = ring.map(\.owner)
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
      let owner = Int(owners[(low + step) % points.count])
      if isUsable(owner) { return owner }
    }
    return nil
  }
}
