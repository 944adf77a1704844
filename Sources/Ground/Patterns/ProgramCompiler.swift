/// Turns syntax into instructions, from the end to the start: each part is given what follows it.
struct ProgramCompiler {
  private var code: [Program.Instruction] = [.match]
  private let expression: String

  static func program(
    _ syntax: Syntax, groups: Int, expression: String
  ) throws(PatternError) -> Program {
    var compiler = ProgramCompiler(expression: expression)
    let start = try compiler.place(syntax, before: 0)
    return Program(code: compiler.code, start: start, groups: groups)
  }

  private init(expression: String) { self.expression = expression }

  private mutating func add(_ instruction: Program.Instruction) throws(PatternError) -> Int {
    guard code.count < Program.maximumInstructions else {
      throw PatternError(
        expression: expression, offset: 0,
        reason: "its repetitions make it larger than \(Program.maximumInstructions) steps")
    }
    code.append(instruction)
    return code.count - 1
  }

  private mutating func place(_ syntax: Syntax, before next: Int) throws(PatternError) -> Int {
    switch syntax {
    case .empty: return next
    case .one(let set): return try place(set, before: next)
    case .assertion(let assertion): return try add(.assertion(assertion, next: next))
    case .group(let inner, let number):
      let end = try add(.save(2 * number + 1, next: next))
      return try add(.save(2 * number, next: try place(inner, before: end)))
    case .sequence(let parts):
      var entry = next
      for part in parts.reversed() { entry = try place(part, before: entry) }
      return entry
    case .choice(let alternatives):
      var entries: [Int] = []
      for alternative in alternatives { entries.append(try place(alternative, before: next)) }
      return try either(entries)
    case .repeated(let inner, let low, let high, let greedy):
      return try place(inner, low, high, greedy, before: next)
    }
  }

  /// The first of the entries that leads to a match.
  private mutating func either(_ entries: [Int]) throws(PatternError) -> Int {
    guard var entry = entries.last else { return try add(.range(1, 0, next: 0)) }
    for before in entries.dropLast().reversed() { entry = try add(.split(before, entry)) }
    return entry
  }

  private mutating func place(
    _ inner: Syntax, _ low: Int, _ high: Int?, _ greedy: Bool, before next: Int
  ) throws(PatternError) -> Int {
    var entry = next
    if let high {
      // Each of the optional ones is inside the one before it.
      for _ in 0..<(high - low) {
        let body = try place(inner, before: entry)
        guard body != entry else { return next }
        entry = try add(greedy ? .split(body, next) : .split(next, body))
      }
    } else {
      let loop = try add(.match)
      let body = try place(inner, before: loop)
      code[loop] = greedy ? .split(body, next) : .split(next, body)
      // At least once: what is repeated stands before the choice to repeat it.
      entry = low > 0 ? body : loop
    }
    for _ in 0..<(high == nil ? max(0, low - 1) : low) {
      let body = try place(inner, before: entry)
      guard body != entry else { break }
      entry = body
    }
    return entry
  }

  // MARK: UTF-8

  private mutating func place(_ set: ScalarSet, before next: Int) throws(PatternError) -> Int {
    var low: UInt64 = 0
    var high: UInt64 = 0
    for range in set.ranges where range.lowerBound <= ScalarSet.lastASCII {
      for value in range.lowerBound...min(range.upperBound, ScalarSet.lastASCII) {
        if value < 64 { low |= 1 << UInt64(value) } else { high |= 1 << UInt64(value - 64) }
      }
    }
    var entries: [Int] = []
    if low | high != 0 { entries.append(try add(.ascii(low: low, high: high, next: next))) }
    var tails: [Int: Int] = [0: next]
    for range in set.ranges where range.upperBound > ScalarSet.lastASCII {
      for sequence in UTF8Sequence.covering(range) {
        entries.append(try place(sequence[...], before: next, &tails))
      }
    }
    return try either(entries)
  }

  /// Sequences that end in any continuation bytes share them.
  private mutating func place(
    _ sequence: ArraySlice<ClosedRange<UInt8>>, before next: Int, _ tails: inout [Int: Int]
  ) throws(PatternError) -> Int {
    guard let first = sequence.first else { return next }
    let rest = sequence.dropFirst()
    let isTail = sequence.allSatisfy { $0 == UTF8Sequence.continuation }
    if isTail, let tail = tails[sequence.count] { return tail }
    let entry = try add(
      .range(first.lowerBound, first.upperBound, next: try place(rest, before: next, &tails)))
    if isTail { tails[sequence.count] = entry }
    return entry
  }
}

/// Ranges of scalars as ranges of the bytes that encode them (RFC 3629).
enum UTF8Sequence {
  static let continuation: ClosedRange<UInt8> = 0x80...0xbf

  /// Sequences of byte ranges that together encode the scalars of the range beyond ASCII; surrogates have no
  /// encoding.
  static func covering(_ range: ClosedRange<UInt32>) -> [[ClosedRange<UInt8>]] {
    let bounds: [(UInt32, UInt32)] = [
      (0x80, 0x7ff), (0x800, 0xd7ff), (0xe000, 0xffff), (0x1_0000, ScalarSet.last),
    ]
    return bounds.flatMap { first, last in
      let low = max(first, range.lowerBound)
      let high = min(last, range.upperBound)
      return low <= high ? split(low, high, bits: 6) : []
    }
  }

  /// Scalars whose encodings have the same length. Where the low bits of the ends are not the first and the
  /// last, the range is split until they are, or until the bytes above them are the same.
  private static func split(_ low: UInt32, _ high: UInt32, bits: UInt32) -> [[ClosedRange<UInt8>]] {
    guard bits <= 18 else { return [zip(encoded(low), encoded(high)).map { $0...$1 }] }
    let mask = (UInt32(1) << bits) - 1
    if low & ~mask != high & ~mask {
      if low & mask != 0 {
        return split(low, low | mask, bits: bits) + split((low | mask) + 1, high, bits: bits)
      }
      if high & mask != mask {
        return split(low, (high & ~mask) - 1, bits: bits) + split(high & ~mask, high, bits: bits)
      }
    }
    return split(low, high, bits: bits + 6)
  }

  private static func encoded(_ value: UInt32) -> [UInt8] {
    Unicode.Scalar(value).map { Array(UTF8.encode($0) ?? .init()) } ?? []
  }
}
