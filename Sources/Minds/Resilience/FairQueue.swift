/// Whose turn it is, for weighted round robin: each position has a turn on a common line, the first is
/// served and moves on by the inverse of its weight. Who joins takes a place after the present, so that
/// neither it nor the others are favoured by the change.
struct FairQueue {
  /// Positions, as a binary heap by turn.
  private var heap: [Int32] = []
  /// Where each position is in the heap; -1 when it is not served.
  private var places: [Int32]
  private var turns: [Double]
  private(set) var present: Double

  init(count: Int, present: Double) {
    places = Array(repeating: -1, count: count)
    turns = Array(repeating: present, count: count)
    self.present = present
    heap.reserveCapacity(count)
  }

  var first: Int? { heap.first.map(Int.init) }

  func isServed(_ position: Int) -> Bool { places[position] >= 0 }

  func turn(of position: Int) -> Double { turns[position] }

  /// Serves `position` from now on, at `turn` or at the present if that has gone by.
  mutating func join(_ position: Int, turn: Double) {
    guard places[position] < 0 else { return }
    turns[position] = max(turn, present)
    places[position] = Int32(heap.count)
    heap.append(Int32(position))
    rise(heap.count - 1)
  }

  mutating func leave(_ position: Int) {
    let place = Int(places[position])
    guard place >= 0 else { return }
    let last = heap.removeLast()
    places[position] = -1
    guard place < heap.count else { return }
    heap[place] = last
    places[Int(last)] = Int32(place)
    rise(place)
    sink(Int(places[Int(last)]))
  }

  /// The first was served; its next turn is `distance` later.
  mutating func serveFirst(_ distance: Double) {
    guard let position = first else { return }
    present = turns[position]
    turns[position] += distance
    sink(0)
  }

  private func isBefore(_ left: Int32, _ right: Int32) -> Bool {
    let (a, b) = (turns[Int(left)], turns[Int(right)])
    return a < b || (a == b && left < right)
  }

  private mutating func exchange(_ left: Int, _ right: Int) {
    heap.swapAt(left, right)
    places[Int(heap[left])] = Int32(left)
    places[Int(heap[right])] = Int32(right)
  }

  private mutating func rise(_ start: Int) {
    var index = start
    while index > 0, isBefore(heap[index], heap[(index - 1) / 2]) {
      exchange(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  private mutating func sink(_ start: Int) {
    var index = start
    while 2 * index + 1 < heap.count {
      var child = 2 * index + 1
      if child + 1 < heap.count, isBefore(heap[child + 1], heap[child]) { child += 1 }
      guard isBefore(heap[child], heap[index]) else { return }
      exchange(child, index)
      index = child
    }
  }
}
