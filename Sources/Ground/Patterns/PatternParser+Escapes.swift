extension PatternParser {
  // MARK: After "(?"

  /// `P<name>` or `<name>`; false when neither stands there.
  mutating func groupName(from start: Int) throws(PatternError) -> Bool {
    if next == "<", at + 1 < scalars.count, scalars[at + 1] == "=" || scalars[at + 1] == "!" { return false }
    guard take(text: "P<") || take("<") else { return false }
    let first = at
    while let scalar = next, ScalarSet.word.contains(scalar.value) { at += 1 }
    guard at > first, take(">") else { throw fail("the name of a group is letters, digits and _, then >") }
    return true
  }

  /// `ims-U:` or `ims-U)`; true when a group follows.
  mutating func flagsOfGroup(from start: Int) throws(PatternError) -> Bool {
    var isSet = true
    while let scalar = next {
      at += 1
      switch scalar {
      case "i": flags.ignoresCase = isSet
      case "m": flags.multipleLines = isSet
      case "s": flags.dotMatchesNewline = isSet
      case "U": flags.lazy = isSet
      case "-" where isSet: isSet = false
      case ":": return true
      case ")": return false
      case "=", "!", "<":
        throw fail("looking ahead or behind is not part of RE2", at: start)
      default: throw fail("an unknown kind of group", at: start)
      }
    }
    throw fail("a group is not closed", at: start)
  }

  // MARK: After "\"

  mutating func escape() throws(PatternError) -> Syntax {
    let start = at - 1
    guard let scalar = next else { throw fail("nothing follows the backslash", at: start) }
    if let set = shorthand() { return .one(set) }
    switch scalar {
    case "A": return taken(.textStart)
    case "z": return taken(.textEnd)
    case "b": return taken(.wordBoundary)
    case "B": return taken(.noWordBoundary)
    default: return .one(try literal(try escapedScalar(from: start)))
    }
  }

  private mutating func taken(_ assertion: Syntax.Assertion) -> Syntax {
    at += 1
    return .assertion(assertion)
  }

  /// `\d` and its like.
  private mutating func shorthand() -> ScalarSet? {
    let set: ScalarSet
    switch next {
    case "d": set = .digits
    case "D": set = ScalarSet.digits.inverted
    case "s": set = .space
    case "S": set = ScalarSet.space.inverted
    case "w": set = .word
    case "W": set = ScalarSet.word.inverted
    default: return nil
    }
    at += 1
    return set
  }

  /// What stands for one scalar.
  private mutating func escapedScalar(from start: Int) throws(PatternError) -> Unicode.Scalar {
    guard let scalar = next else { throw fail("nothing follows the backslash", at: start) }
    at += 1
    switch scalar {
    case "a": return "\u{7}"
    case "f": return "\u{c}"
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "v": return "\u{b}"
    case "x": return try hexadecimal(from: start)
    case "0"..."7": return try octal(scalar, from: start)
    case "8", "9": throw fail("\\\(scalar) would refer to a group, which is not part of RE2", at: start)
    case "p", "P", "C", "X":
      throw fail("\\\(scalar) is not supported; name the characters in a class", at: start)
    default:
      guard scalar.isASCII, !ScalarSet.word.contains(scalar.value) else {
        throw fail("\\\(scalar) has no meaning", at: start)
      }
      return scalar
    }
  }

  private mutating func hexadecimal(from start: Int) throws(PatternError) -> Unicode.Scalar {
    let isBraced = take("{")
    var value: UInt32 = 0
    var count = 0
    while count < (isBraced ? 6 : 2), let digit = next.flatMap({ Character($0).hexDigitValue }) {
      value = value << 4 | UInt32(digit)
      count += 1
      at += 1
    }
    guard isBraced ? (count > 0 && take("}")) : count == 2, let scalar = Unicode.Scalar(value) else {
      throw fail("\\x takes two digits, or up to six in braces, of a Unicode scalar", at: start)
    }
    return scalar
  }

  /// `\0`, or three digits: fewer would look like a group's number.
  private mutating func octal(
    _ first: Unicode.Scalar, from start: Int
  ) throws(PatternError) -> Unicode.Scalar {
    var value = first.value - 0x30
    var count = 1
    while count < 3, let digit = next, ("0"..."7").contains(digit) {
      value = value << 3 | (digit.value - 0x30)
      count += 1
      at += 1
    }
    guard first == "0" || count > 1, let scalar = Unicode.Scalar(value) else {
      throw fail("\\\(first) would refer to a group, which is not part of RE2", at: start)
    }
    return scalar
  }

  // MARK: After "["

  mutating func characterClass() throws(PatternError) -> ScalarSet {
    let start = at - 1
    let isNegated = take("^")
    var set = ScalarSet()
    var isFirst = true
    while isFirst || next != "]" {
      guard next != nil else { throw fail("a class is not closed", at: start) }
      set = set.union(try classItem())
      isFirst = false
    }
    at += 1
    return isNegated ? set.inverted : set
  }

  /// A named class, a shorthand, a scalar or a range.
  private mutating func classItem() throws(PatternError) -> ScalarSet {
    let start = at
    if take(text: "[:") { return try namedClass(from: start) }
    if take("\\") {
      if let set = shorthand() { return set }
      at -= 1
    }
    let low = try classScalar()
    guard next == "-", at + 1 < scalars.count, scalars[at + 1] != "]" else { return try literal(low) }
    at += 1
    let high = try classScalar()
    guard low <= high else { throw fail("a range of a class is backward", at: start) }
    let set = ScalarSet([low.value...high.value])
    guard flags.ignoresCase else { return set }
    guard high.isASCII else { throw fail("ignoring case is for ASCII letters only", at: start) }
    return set.foldingCase
  }

  private mutating func classScalar() throws(PatternError) -> Unicode.Scalar {
    guard let scalar = next else { throw fail("a class is not closed") }
    at += 1
    return scalar == "\\" ? try escapedScalar(from: at - 1) : scalar
  }

  private mutating func namedClass(from start: Int) throws(PatternError) -> ScalarSet {
    let isNegated = take("^")
    var name = ""
    while let scalar = next, ScalarSet.letters.contains(scalar.value) {
      name.unicodeScalars.append(scalar)
      at += 1
    }
    guard take(text: ":]"), let set = ScalarSet.named(name) else {
      throw fail("no class has this name", at: start)
    }
    return isNegated ? set.inverted : set
  }
}
