/// Follows all ways through a program at once, so that no input can make it try one after the other.
struct Stepping {
  let program: Program
  private var marks: [UInt32]
  private var generation: UInt32 = 0
  private var stack: [Int] = []
  /// Instructions looked at so far, for limits on work.
  private(set) var work = 0

  /// Where a program stands: the instructions that consume, ask or match next, in the order of their places;
  /// and the byte before, or one that is the same to all assertions, if something asks.
  struct State: Hashable {
    var leaves: [Int]
    var before: UInt8?
  }

  init(_ program: Program) {
    self.program = program
    marks = Array(repeating: 0, count: program.code.count)
  }

  mutating func start() -> State { state(from: [program.start], before: nil) }

  mutating func state(after state: State, _ byte: UInt8) -> State {
    var seeds: [Int] = []
    for leaf in resolved(state, next: byte) {
      if let next = program.code[leaf].consumes(byte) { seeds.append(next) }
    }
    return self.state(from: seeds, before: byte)
  }

  mutating func matchesAtEnd(_ state: State) -> Bool {
    resolved(state, next: nil).contains { if case .match = program.code[$0] { true } else { false } }
  }

  private mutating func state(from seeds: [Int], before: UInt8?) -> State {
    var leaves: [Int] = []
    var asks = false
    follow(seeds, through: { _ in false }) { leaf, isQuestion in
      leaves.append(leaf)
      asks = asks || isQuestion
    }
    return State(leaves: leaves.sorted(), before: asks ? before.map(Self.alike) : nil)
  }

  /// The leaves once it is known what comes next (nil: the end).
  private mutating func resolved(_ state: State, next: UInt8?) -> [Int] {
    let asks = state.leaves.contains { if case .assertion = program.code[$0] { true } else { false } }
    guard asks else { return state.leaves }
    var leaves: [Int] = []
    follow(state.leaves, through: { $0.holds(before: state.before, after: next) }) { leaf, isQuestion in
      if !isQuestion { leaves.append(leaf) }
    }
    return leaves
  }

  private mutating func follow(
    _ seeds: [Int], through holds: (Syntax.Assertion) -> Bool, _ reached: (Int, Bool) -> Void
  ) {
    generation += 1
    stack = seeds
    while let place = stack.popLast() {
      guard marks[place] != generation else { continue }
      marks[place] = generation
      work += 1
      switch program.code[place] {
      case .split(let first, let second):
        stack.append(first)
        stack.append(second)
      case .save(_, let next): stack.append(next)
      case .assertion(let assertion, let next):
        if holds(assertion) { stack.append(next) } else { reached(place, true) }
      case .range, .ascii, .match: reached(place, false)
      }
    }
  }

  /// One byte for all that no assertion can tell apart.
  private static func alike(_ byte: UInt8) -> UInt8 {
    byte == UInt8(ascii: "\n") ? byte : Syntax.Assertion.isWord(byte) ? UInt8(ascii: "a") : UInt8(ascii: " ")
  }
}

extension Syntax.Assertion {
  /// Nil is the start or the end of the text.
  func holds(before: UInt8?, after: UInt8?) -> Bool {
    switch self {
    case .textStart: before == nil
    case .textEnd: after == nil
    case .lineStart: before == nil || before == UInt8(ascii: "\n")
    case .lineEnd: after == nil || after == UInt8(ascii: "\n")
    case .wordBoundary: Self.isWord(before) != Self.isWord(after)
    case .noWordBoundary: Self.isWord(before) == Self.isWord(after)
    }
  }

  static func isWord(_ byte: UInt8?) -> Bool { byte.map { ScalarSet.word.contains(UInt32($0)) } ?? false }
}
