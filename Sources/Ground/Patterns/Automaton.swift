/// A program made deterministic: one look into a table for each byte. Only small ones are made; see
/// `Stepping` for the others.
struct Automaton {
  /// Bytes that the program cannot tell apart are of one class.
  private let classes: [UInt8]
  private let width: Int
  /// The next state, by state and class. State 0 never matches again, state 1 is the start.
  private let table: [UInt16]
  private let accepts: [Bool]

  /// A table of at most 64 KiB for each expression.
  static let maximumEntries = 32_768
  /// Instructions looked at while it is made: some milliseconds. Beyond, the program is followed as it is.
  static let maximumWork = 200_000

  /// Nil when it would be too large.
  init?(_ program: Program) {
    (classes, width) = Self.classes(of: program)
    var representatives = Array(repeating: UInt8(0), count: width)
    for byte in (UInt8.min...UInt8.max).reversed() { representatives[Int(classes[Int(byte)])] = byte }
    var stepping = Stepping(program)
    var states = [Stepping.State(leaves: [], before: nil), stepping.start()]
    var numbers = [states[0]: UInt16(0), states[1]: UInt16(1)]
    var table: [UInt16] = Array(repeating: 0, count: width)
    var accepts = [false]
    var at = 1
    while at < states.count {
      accepts.append(stepping.matchesAtEnd(states[at]))
      for byte in representatives {
        let next = stepping.state(after: states[at], byte)
        if let number = numbers[next] {
          table.append(number)
        } else {
          numbers[next] = UInt16(states.count)
          table.append(UInt16(states.count))
          states.append(next)
        }
      }
      guard states.count * width <= Self.maximumEntries, stepping.work <= Self.maximumWork else { return nil }
      at += 1
    }
    self.table = table
    self.accepts = accepts
  }

  func matchesWhole(_ bytes: Span<UInt8>) -> Bool {
    var state = 1
    for index in bytes.indices {
      state = Int(table[state * width + Int(classes[Int(bytes[index])])])
      if state == 0 { return false }
    }
    return accepts[state]
  }

  /// A class begins wherever an instruction begins or ends to consume, or an assertion to hold.
  private static func classes(of program: Program) -> ([UInt8], Int) {
    var starts = Array(repeating: false, count: 257)
    for instruction in program.code {
      switch instruction {
      case .range(let low, let high, _):
        starts[Int(low)] = true
        starts[Int(high) + 1] = true
      case .ascii:
        for byte in UInt8(0)..<128 {
          let before = byte > 0 && instruction.consumes(byte - 1) != nil
          if before != (instruction.consumes(byte) != nil) { starts[Int(byte)] = true }
        }
        starts[128] = true
      case .assertion:
        for edge in ["0", ":", "A", "[", "_", "`", "a", "{", "\n", "\u{b}"] as [Unicode.Scalar] {
          starts[Int(edge.value)] = true
        }
      case .split, .save, .match: break
      }
    }
    var classes = [UInt8(0)]
    for byte in 1..<256 { classes.append(classes[byte - 1] + (starts[byte] ? 1 : 0)) }
    return (classes, Int(classes[255]) + 1)
  }
}
