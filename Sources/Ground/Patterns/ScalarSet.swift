/// A set of Unicode scalars, as ordered ranges that neither overlap nor touch.
struct ScalarSet: Hashable {
  private(set) var ranges: [ClosedRange<UInt32>]

  static let last: UInt32 = 0x10_ffff
  static let lastASCII: UInt32 = 0x7f

  init(_ ranges: [ClosedRange<UInt32>] = []) {
    var joined: [ClosedRange<UInt32>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let before = joined.last, range.lowerBound <= before.upperBound + 1 {
        joined[joined.count - 1] = before.lowerBound...max(before.upperBound, range.upperBound)
      } else {
        joined.append(range)
      }
    }
    self.ranges = joined
  }

  init(_ scalar: Unicode.Scalar) { self.init([scalar.value...scalar.value]) }

  init(ascii text: String) { self.init(text.unicodeScalars.map { $0.value...$0.value }) }

  static let digits = ScalarSet([0x30...0x39])
  static let upper = ScalarSet([0x41...0x5a])
  static let lower = ScalarSet([0x61...0x7a])
  static let letters = upper.union(lower)
  static let word = letters.union(digits).union(ScalarSet("_"))
  /// RE2's `\s`, which leaves the vertical tab out.
  static let space = ScalarSet(ascii: "\t\n\u{0c}\r ")
  static let newline = ScalarSet("\n")
  static let everything = ScalarSet([0...last])

  func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

  var inverted: ScalarSet {
    var inverted: [ClosedRange<UInt32>] = []
    var start: UInt32 = 0
    for range in ranges {
      if range.lowerBound > start { inverted.append(start...(range.lowerBound - 1)) }
      start = range.upperBound + 1
    }
    if start <= Self.last { inverted.append(start...Self.last) }
    return ScalarSet(inverted)
  }

  func contains(_ value: UInt32) -> Bool { ranges.contains { $0.contains(value) } }

  /// Both cases of every ASCII letter in it, and the two scalars beyond ASCII whose lower case is an ASCII
  /// letter (the long s and the Kelvin sign), as RE2 folds.
  var foldingCase: ScalarSet {
    var more: [ClosedRange<UInt32>] = []
    for range in ranges {
      for (from, to) in [(UInt32(0x41), UInt32(0x61)), (0x61, 0x41)] {
        let low = max(range.lowerBound, from)
        let high = min(range.upperBound, from + 25)
        if low <= high { more.append((low - from + to)...(high - from + to)) }
      }
    }
    var folded = ScalarSet(ranges + more)
    if folded.contains(0x73) { folded = folded.union(ScalarSet("\u{17f}")) }
    if folded.contains(0x6b) { folded = folded.union(ScalarSet("\u{212a}")) }
    return folded
  }

  /// The classes of `[[:name:]]`, of ASCII.
  static func named(_ name: String) -> ScalarSet? {
    switch name {
    case "alnum": letters.union(digits)
    case "alpha": letters
    case "ascii": ScalarSet([0...lastASCII])
    case "blank": ScalarSet(ascii: "\t ")
    case "cntrl": ScalarSet([0...0x1f, 0x7f...0x7f])
    case "digit": digits
    case "graph": ScalarSet([0x21...0x7e])
    case "lower": lower
    case "print": ScalarSet([0x20...0x7e])
    case "punct": ScalarSet([0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e])
    case "space": ScalarSet([0x09...0x0d, 0x20...0x20])
    case "upper": upper
    case "word": word
    case "xdigit": digits.union(ScalarSet([0x41...0x46, 0x61...0x66]))
    default: nil
    }
  }
}
