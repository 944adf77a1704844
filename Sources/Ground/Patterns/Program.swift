/// An expression as instructions on bytes (Thompson's construction), numbered by place.
struct Program {
  var code: [Instruction] = []
  /// Where it starts.
  var start = 0
  /// Groups, without the whole.
  var groups = 0

  /// One step. What consumes nothing is followed at once.
  enum Instruction {
    /// Consumes a byte of the range.
    case range(UInt8, UInt8, next: Int)
    /// Consumes a byte below 128 whose bit is set.
    case ascii(low: UInt64, high: UInt64, next: Int)
    /// Two ways; the first is preferred.
    case split(Int, Int)
    /// Remembers the place: 2n where group n starts, 2n+1 where it ends.
    case save(Int, next: Int)
    case assertion(Syntax.Assertion, next: Int)
    case match
  }

  /// More are refused. One character of a class costs 1 for ASCII and 22 for all of Unicode, so this is a
  /// class of anything 450 times; it bounds what matching one byte can cost.
  static let maximumInstructions = 10_000
}

extension Program.Instruction {
  func consumes(_ byte: UInt8) -> Int? {
    switch self {
    case .range(let low, let high, let next): return low <= byte && byte <= high ? next : nil
    case .ascii(let low, let high, let next):
      guard byte < 128 else { return nil }
      let word = byte < 64 ? low : high
      return word >> UInt64(byte & 63) & 1 == 1 ? next : nil
    default: return nil
    }
  }
}
