/// Weights by position, from which a position is drawn in proportion to its weight: a Fenwick tree, so that a
/// change and a draw both take a logarithm of the count.
struct WeightTree {
  private var sums: [Int]
  private var weights: [Int]
  private(set) var total: Int
  private let top: Int

  init(_ weights: [Int]) {
    self.weights = weights
    total = weights.reduce(0, +)
    sums = [0] + weights
    for index in 1..<max(sums.count, 1) {
      let parent = index + (index & -index)
      if parent < sums.count { sums[parent] += sums[index] }
    }
    top = weights.isEmpty ? 0 : 1 << (Int.bitWidth - 1 - weights.count.leadingZeroBitCount)
  }

  func weight(at position: Int) -> Int { weights[position] }

  mutating func set(_ position: Int, _ weight: Int) {
    let change = weight - weights[position]
    guard change != 0 else { return }
    weights[position] = weight
    total += change
    var index = position + 1
    while index < sums.count {
      sums[index] += change
      index += index & -index
    }
  }

  /// Where the share of `position` begins: the sum of the weights before it.
  func start(of position: Int) -> Int {
    var index = position
    var sum = 0
    while index > 0 {
      sum += sums[index]
      index -= index & -index
    }
    return sum
  }

  /// The position in whose share `point` lies; `point` is below `total`.
  func find(_ point: Int) -> Int {
    var index = 0
    var rest = point
    var step = top
    while step > 0 {
      let next = index + step
      if next < sums.count, sums[next] <= rest {
        index = next
        rest -= sums[next]
      }
      step >>= 1
    }
    return index
  }
}
