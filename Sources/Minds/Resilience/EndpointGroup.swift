import MeshModel

/// Endpoints among which the algorithm chooses: all of one rank of locality.
struct EndpointGroup {
  /// What remembers the present turn of weighted round robin when groups are made again.
  let rank: Int
  /// In percent of the requests, for `distribute`; otherwise not used.
  let share: Int
  /// Slots, in the order of the endpoints' digests: the same in every process.
  let members: [Int]
  /// The weights of those that may be used; 0 for others.
  var tree: WeightTree
  /// How many may be used.
  var usable = 0
  var queue: FairQueue?
  var table: HashTable?
  /// When the first of them appeared, against which warm-up is measured.
  let oldest: UInt64
  /// All weights are equal: nothing needs searching while everyone may be used.
  let isUniform: Bool

  var isWhole: Bool { usable == members.count }
}

/// The table of a consistent hash, and what it was made of, so that it is made again only when that changes.
struct HashTable {
  struct Source: Equatable {
    let kind: LoadBalancing.HashTable
    let digests: [UInt64]
    let weights: [Int]
  }

  private enum Form {
    case ring(HashRing)
    case maglev(MaglevTable)
  }

  let source: Source
  private let form: Form

  init(_ source: Source) {
    self.source = source
    let members = zip(source.digests, source.weights).map { (digest: $0, weight: $1) }
    switch source.kind {
    case .ring(let minimumSize): form = .ring(HashRing(members, minimumSize: minimumSize))
    case .maglev(let size): form = .maglev(MaglevTable(members, size: size))
    }
  }

  func find(_ hash: UInt64, where isUsable: (Int) -> Bool) -> Int? {
    switch form {
    case .ring(let ring): ring.find(hash, where: isUsable)
    case .maglev(let table): table.find(hash, where: isUsable)
    }
  }
}
