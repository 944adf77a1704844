/// What replaces a match: `\1` to `\9` stand for what a group matched, `\0` for all of it, `\\` for a
/// backslash (RE2).
public struct Substitution: Sendable {
  enum Part: Hashable, Sendable {
    case text([UInt8])
    case group(Int)
  }

  let parts: [Part]

  /// Fails where it names a group that the pattern has not.
  public init(_ text: String, for pattern: Pattern) throws(PatternError) {
    var parts: [Part] = []
    var literal: [UInt8] = []
    var isEscaped = false
    for (offset, scalar) in text.unicodeScalars.enumerated() {
      guard isEscaped else {
        if scalar == "\\" { isEscaped = true } else { literal += Array(String(scalar).utf8) }
        continue
      }
      isEscaped = false
      if scalar == "\\" {
        literal.append(UInt8(ascii: "\\"))
        continue
      }
      guard ("0"..."9").contains(scalar), case let group = Int(scalar.value) - 0x30, group <= pattern.groups
      else {
        throw PatternError(
          expression: text, offset: offset - 1,
          reason: "\\\(scalar) is none of the \(pattern.groups) groups of \(pattern.text)")
      }
      if !literal.isEmpty { parts.append(.text(literal)) }
      literal = []
      parts.append(.group(group))
    }
    guard !isEscaped else {
      throw PatternError(
        expression: text, offset: text.unicodeScalars.count - 1, reason: "nothing follows the backslash")
    }
    if !literal.isEmpty { parts.append(.text(literal)) }
    self.parts = parts
  }
}
