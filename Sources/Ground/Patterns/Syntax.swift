/// An expression as it was written.
indirect enum Syntax: Hashable {
  case empty
  case one(ScalarSet)
  case assertion(Assertion)
  /// What it matched is remembered under a number, from 1.
  case group(Syntax, Int)
  case sequence([Syntax])
  case choice([Syntax])
  /// At most is nil for any number.
  case repeated(Syntax, atLeast: Int, atMost: Int?, greedy: Bool)

  /// What holds between two bytes.
  enum Assertion: Hashable {
    case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary
  }

  /// The one text with which whatever matches begins.
  var literalPrefix: String {
    var prefix = String.UnicodeScalarView()
    _ = appendLiteral(to: &prefix)
    return String(prefix)
  }

  /// Appends what must come first; false when what follows is not certain.
  private func appendLiteral(to prefix: inout String.UnicodeScalarView) -> Bool {
    switch self {
    case .empty, .assertion: return true
    case .one(let set):
      guard set.ranges.count == 1, let range = set.ranges.first, range.count == 1,
        let scalar = Unicode.Scalar(range.lowerBound)
      else { return false }
      prefix.append(scalar)
      return true
    case .group(let inner, _): return inner.appendLiteral(to: &prefix)
    case .sequence(let parts): return parts.allSatisfy { $0.appendLiteral(to: &prefix) }
    case .choice, .repeated: return false
    }
  }
}
