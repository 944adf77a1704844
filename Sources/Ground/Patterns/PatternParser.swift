/// Reads an expression of RE2's syntax.
struct PatternParser {
  let expression: String
  let scalars: [Unicode.Scalar]
  var at = 0
  var flags: Flags
  private(set) var groups = 0
  private var depth = 0

  /// Groups in groups beyond this are refused: reading and compiling recurse.
  static let maximumDepth = 100
  /// As RE2.
  static let maximumRepetitions = 1_000

  /// What `(?ims)` changes.
  struct Flags {
    var ignoresCase = false
    var multipleLines = false
    var dotMatchesNewline = false
    var lazy = false
  }

  init(_ expression: String, ignoringCase: Bool) {
    self.expression = expression
    scalars = Array(expression.unicodeScalars)
    flags = Flags(ignoresCase: ignoringCase)
  }

  mutating func parse() throws(PatternError) -> Syntax {
    guard scalars.count <= Pattern.maximumLength else {
      throw fail("it is longer than \(Pattern.maximumLength) characters", at: Pattern.maximumLength)
    }
    let syntax = try choice()
    guard at == scalars.count else { throw fail("a parenthesis closes no group") }
    return syntax
  }

  // MARK: Reading

  var next: Unicode.Scalar? { at < scalars.count ? scalars[at] : nil }

  func fail(_ reason: String, at place: Int? = nil) -> PatternError {
    PatternError(expression: expression, offset: place ?? at, reason: reason)
  }

  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    at += 1
    return true
  }

  mutating func take(text: String) -> Bool {
    let wanted = Array(text.unicodeScalars)
    guard scalars[at...].starts(with: wanted) else { return false }
    at += wanted.count
    return true
  }

  // MARK: Structure

  private mutating func choice() throws(PatternError) -> Syntax {
    var alternatives = [try sequence()]
    while take("|") { alternatives.append(try sequence()) }
    return alternatives.count == 1 ? alternatives[0] : .choice(alternatives)
  }

  private mutating func sequence() throws(PatternError) -> Syntax {
    var parts: [Syntax] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      if take(text: "\\Q") {
        while let quoted = next, !take(text: "\\E") {
          at += 1
          parts.append(.one(try literal(quoted)))
        }
        if let last = parts.popLast() { parts.append(try repeated(last)) }
        continue
      }
      parts.append(try repeated(try atom()))
    }
    return parts.count == 1 ? parts[0] : parts.isEmpty ? .empty : .sequence(parts)
  }

  private mutating func atom() throws(PatternError) -> Syntax {
    let scalar = scalars[at]
    at += 1
    switch scalar {
    case "(": return try group()
    case "[": return .one(try characterClass())
    case ".": return .one(flags.dotMatchesNewline ? .everything : ScalarSet.newline.inverted)
    case "^": return .assertion(flags.multipleLines ? .lineStart : .textStart)
    case "$": return .assertion(flags.multipleLines ? .lineEnd : .textEnd)
    case "*", "+", "?":
      at -= 1
      throw fail("nothing to repeat")
    case "{":
      let place = at - 1
      at = place
      if try bounds() != nil { throw fail("nothing to repeat", at: place) }
      at = place + 1
      return .one(ScalarSet(scalar))
    case "\\": return try escape()
    default: return .one(try literal(scalar))
    }
  }

  /// One scalar, in both cases if they are the same.
  func literal(_ scalar: Unicode.Scalar) throws(PatternError) -> ScalarSet {
    guard flags.ignoresCase else { return ScalarSet(scalar) }
    guard scalar.isASCII || !scalar.properties.isCased else {
      throw fail("ignoring case is for ASCII letters only", at: at - 1)
    }
    return ScalarSet(scalar).foldingCase
  }

  // MARK: Repetition

  private mutating func repeated(_ part: Syntax) throws(PatternError) -> Syntax {
    guard let (low, high) = try repetition() else { return part }
    let isLazy = take("?")
    let again = at
    if try repetition() != nil { throw fail("a repetition is repeated; group it", at: again) }
    return .repeated(part, atLeast: low, atMost: high, greedy: isLazy == flags.lazy)
  }

  private mutating func repetition() throws(PatternError) -> (Int, Int?)? {
    if take("*") { return (0, nil) }
    if take("+") { return (1, nil) }
    if take("?") { return (0, 1) }
    return try bounds()
  }

  /// `{n}`, `{n,}` or `{n,m}`; anything else that begins with a brace is read as itself, as RE2 does.
  private mutating func bounds() throws(PatternError) -> (Int, Int?)? {
    let start = at
    guard take("{"), let low = number() else {
      at = start
      return nil
    }
    var high: Int? = low
    if take(",") { high = number() }
    guard take("}") else {
      at = start
      return nil
    }
    guard max(low, high ?? 0) <= Self.maximumRepetitions else {
      throw fail("more than \(Self.maximumRepetitions) repetitions", at: start)
    }
    if let high, high < low { throw fail("at least \(low) and at most \(high) repetitions", at: start) }
    return (low, high)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let digit = next, ("0"..."9").contains(digit) {
      value = min((value ?? 0) * 10 + Int(digit.value - 0x30), Self.maximumRepetitions + 1)
      at += 1
    }
    return value
  }

  // MARK: Groups

  private mutating func group() throws(PatternError) -> Syntax {
    let start = at - 1
    var number: Int?
    let outer = flags
    if take("?") {
      if try groupName(from: start) {
        groups += 1
        number = groups
      } else if try !flagsOfGroup(from: start) {
        return .empty
      }
    } else {
      groups += 1
      number = groups
    }
    depth += 1
    guard depth <= Self.maximumDepth else {
      throw fail("groups are nested more than \(Self.maximumDepth) deep", at: start)
    }
    let inner = try choice()
    depth -= 1
    guard take(")") else { throw fail("a group is not closed", at: start) }
    flags = outer
    return number.map { .group(inner, $0) } ?? inner
  }
}
