/// The lookup table of Maglev (Eisenbud et al., NSDI 2016, section 3.4): each endpoint fills the places of
/// its own permutation in turn, heavier ones more often, so that shares are even to within one in a hundred.
struct MaglevTable {
  /// 4 bytes each; the largest table that the ecosystem accepts.
  static let maximumSize = 5_000_011
  /// Places tried for a hash whose endpoint is left out, before the choice is made by weight instead.
  static let longestSearch = 64

  private let owners: [Int32]

  /// `size` is a prime; anything else is raised to the next one.
  init(_ members: [(digest: UInt64, weight: Int)], size: Int) {
    let size = Self.prime(atLeast: min(max(size, 2), Self.maximumSize))
    guard !members.isEmpty else {
      owners = []
      return
    }
    var places = members.map { member in
      (
        next: Int(StableHash.mix(member.digest) % UInt64(size)),
        skip: Int(StableHash.mix(member.digest ^ 0x9e37_79b9_7f4a_7c15) % UInt64(size - 1)) + 1,
        credit: 0.0
      )
    }
    let heaviest = Double(members.reduce(1) { max($0, $1.weight) })
    var table = [Int32](repeating: -1, count: size)
    var filled = 0
    while filled < size {
      for index in members.indices where filled < size {
        places[index].credit += Double(members[index].weight) / heaviest
        guard places[index].credit >= 1 else { continue }
        places[index].credit -= 1
        var place = places[index].next
        while table[place] >= 0 { place = (place + places[index].skip) % size }
        table[place] = Int32(index)
        places[index].next = (place + places[index].skip) % size
        filled += 1
      }
    }
    owners = table
  }

  var count: Int { owners.count }

  static func prime(atLeast number: Int) -> Int {
    var candidate = number
    while !isPrime(candidate) { candidate += 1 }
    return candidate
  }

  private static func isPrime(_ number: Int) -> Bool {
    guard number > 3 else { return number > 1 }
    var divisor = 2
    while divisor * divisor <= number {
      if number % divisor == 0 { return false }
      divisor += 1
    }
    return true
  }

  /// The position to which the hash belongs, or another that may be used, always the same for the same hash
  /// as long as it may.
  func find(_ hash: UInt64, where isUsable: (Int) -> Bool) -> Int? {
    guard !owners.isEmpty else { return nil }
    var probe = hash
    for _ in 0..<Self.longestSearch {
      let owner = Int(owners[Int(probe % UInt64(owners.count))])
      if isUsable(owner) { return owner }
      probe = StableHash.mix(probe &+ 0x9e37_79b9_7f4a_7c15)
    }
    return nil
  }
}
