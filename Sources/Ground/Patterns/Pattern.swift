/// A regular expression of RE2's syntax, matched in linear time whatever the expression and the text are.
///
/// What is known: literals and their escapes, `\Q...\E`, `.`, classes with ranges, negation, `\d \s \w` and
/// `[[:alpha:]]`, groups that capture or not, alternatives, `* + ? {n,m}` and their lazy forms, `^ $ \A \z \b
/// \B`, and the flags `i m s U`. What RE2 lacks (references to groups, looking ahead and behind) and what is
/// not supported here (`\p`, `\C`, ignoring the case of letters beyond ASCII) is an error that names the
/// place. Text is UTF-8: `.` is one Unicode scalar, and bytes that are not UTF-8 match nothing.
public struct Pattern: Sendable {
  public let text: String
  /// How many groups capture.
  public let groups: Int
  /// With what every text begins that it matches as a whole.
  public let requiredPrefix: String
  private let program: Program
  private let automaton: Automaton?

  /// Longest expression, in characters, as in the API of routes.
  public static let maximumLength = 1_024
  /// Most replacements in one text: each is a search of its own, so together they could take time that grows
  /// with the square of the text's length.
  public static let maximumReplacements = 256
  /// Most steps of the program in searching one text: less than a second. A path of 8 KiB with a usual
  /// expression takes a tenth of it.
  public static let maximumSearchSteps = 4_000_000

  public init(_ text: String, ignoringCase: Bool = false) throws(PatternError) {
    var parser = PatternParser(text, ignoringCase: ignoringCase)
    let syntax = try parser.parse()
    self.text = text
    groups = parser.groups
    requiredPrefix = syntax.literalPrefix
    program = try ProgramCompiler.program(syntax, groups: parser.groups, expression: text)
    automaton = Automaton(program)
  }

  public func matchesWhole(_ text: some StringProtocol) -> Bool { matchesWhole(Array(text.utf8).span) }

  public func matchesWhole(_ text: String) -> Bool { matchesWhole(text.utf8.span) }

  /// As a whole, not a part of it.
  public func matchesWhole(_ bytes: Span<UInt8>) -> Bool {
    if let automaton { return automaton.matchesWhole(bytes) }
    var stepping = Stepping(program)
    var state = stepping.start()
    for index in bytes.indices {
      if state.leaves.isEmpty { return false }
      state = stepping.state(after: state, bytes[index])
    }
    return stepping.matchesAtEnd(state)
  }

  /// Offsets of bytes of the leftmost match (first) and of its groups, nil for a group that took no part. Nil
  /// for no match within `maximumSearchSteps`.
  public func firstMatch(in text: String) -> [Range<Int>?]? {
    var searching = Searching(program, allowance: Self.maximumSearchSteps)
    return searching.leftmost(in: text.utf8.span, from: 0).map { slots in
      (0...groups).map { slots[2 * $0] < 0 ? nil : slots[2 * $0]..<slots[2 * $0 + 1] }
    }
  }

  /// The text with every match replaced, from left to right, none of them empty right after another (as RE2's
  /// GlobalReplace). Nil beyond `maximumReplacements` or `maximumSearchSteps`.
  public func replacing(in text: String, with substitution: Substitution) -> String? {
    var searching = Searching(program, allowance: Self.maximumSearchSteps)
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var copied = 0
    var at = 0
    var lastEnd = -1
    var count = 0
    while at <= bytes.count, let slots = searching.leftmost(in: bytes.span, from: at) {
      guard count < Self.maximumReplacements else { return nil }
      if slots[0] == slots[1], slots[0] == lastEnd {
        at += 1
        while at < bytes.count, UTF8Sequence.continuation.contains(bytes[at]) { at += 1 }
        lastEnd = -1
        continue
      }
      count += 1
      result += bytes[copied..<slots[0]]
      for part in substitution.parts {
        switch part {
        case .text(let literal): result += literal
        case .group(let group) where slots[2 * group] >= 0:
          result += bytes[slots[2 * group]..<slots[2 * group + 1]]
        case .group: break
        }
      }
      copied = slots[1]
      at = slots[1]
      lastEnd = slots[1]
    }
    guard searching.allowance > 0 else { return nil }
    result += bytes[min(copied, bytes.count)...]
    return String(decoding: result, as: UTF8.self)
  }
}
