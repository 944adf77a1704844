/// Finds the leftmost match and what its groups matched, preferring as Perl would, in time that grows with
/// the length of the text times the size of the program (Pike's method).
struct Searching {
  let program: Program
  private var marks: [UInt32]
  private var generation: UInt32 = 0
  /// Instructions that may still be followed, by all searches together; none are left when it is 0.
  private(set) var allowance: Int

  /// One way through the program, and the places that it remembers; -1 for none.
  private struct Thread {
    var place: Int
    var slots: [Int]
  }

  init(_ program: Program, allowance: Int) {
    self.program = program
    self.allowance = allowance
    marks = Array(repeating: 0, count: program.code.count)
  }

  /// Start and end of the match and of each group, -1 for a group that took no part; nil for no match that
  /// starts at `start` or later, or when the allowance is used up. What stands before `start` still counts
  /// for assertions.
  mutating func leftmost(in bytes: Span<UInt8>, from start: Int) -> [Int]? {
    let blank = Array(repeating: -1, count: 2 * (program.groups + 1))
    var threads: [Thread] = []
    var found: [Int]?
    var at = start
    while at <= bytes.count, found == nil || !threads.isEmpty {
      guard allowance > 0 else { return nil }
      let before = at > 0 ? bytes[at - 1] : nil
      let byte = at < bytes.count ? bytes[at] : nil
      generation += 1
      var ready: [Thread] = []
      for thread in threads { follow(thread, at, before, byte, &ready) }
      if found == nil {
        var slots = blank
        slots[0] = at
        follow(Thread(place: program.start, slots: slots), at, before, byte, &ready)
      }
      threads = []
      for thread in ready {
        if case .match = program.code[thread.place] {
          found = thread.slots
          found?[1] = at
          break  // Whoever comes later is less preferred.
        }
        if let byte, let next = program.code[thread.place].consumes(byte) {
          threads.append(Thread(place: next, slots: thread.slots))
        }
      }
      at += 1
    }
    return found
  }

  private mutating func follow(
    _ first: Thread, _ at: Int, _ before: UInt8?, _ after: UInt8?, _ ready: inout [Thread]
  ) {
    var stack = [first]
    while let thread = stack.popLast() {
      guard marks[thread.place] != generation else { continue }
      marks[thread.place] = generation
      allowance = max(0, allowance - 1)
      switch program.code[thread.place] {
      case .split(let preferred, let other):
        stack.append(Thread(place: other, slots: thread.slots))
        stack.append(Thread(place: preferred, slots: thread.slots))
      case .save(let slot, let next):
        var slots = thread.slots
        slots[slot] = at
        stack.append(Thread(place: next, slots: slots))
      case .assertion(let assertion, let next):
        if assertion.holds(before: before, after: after) {
          stack.append(Thread(place: next, slots: thread.slots))
        }
      case .range, .ascii, .match: ready.append(thread)
      }
    }
  }
}
