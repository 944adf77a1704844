import HTTPModel
import MeshModel
import Patterns

/// A `TextMatch` with its expression compiled.
enum TextMatcher: Sendable {
  case exact(String)
  case prefix(String)
  case expression(Pattern)
  case present

  init(_ match: TextMatch) throws(PatternError) {
    switch match {
    case .exact(let text): self = .exact(text)
    case .prefix(let text): self = .prefix(text)
    case .expression(let text): self = .expression(try Pattern(text))
    case .present: self = .present
    }
  }

  func matches(_ text: some StringProtocol) -> Bool {
    switch self {
    case .exact(let wanted): text == wanted
    case .prefix(let prefix): text.utf8.starts(with: prefix.utf8)
    case .expression(let pattern): pattern.matchesWhole(text)
    case .present: true
    }
  }
}

/// A `PathMatch`, ready.
struct PathMatcher: Sendable {
  enum Kind: Sendable {
    case exact(String)
    case prefix(String)
    /// Without a slash at its end.
    case segments(String)
    case expression(Pattern)
  }

  let kind: Kind
  let ignoresCase: Bool

  init(_ match: PathMatch) throws(PatternError) {
    var ignoresCase = match.ignoresCase
    func ready(_ text: String) -> String {
      let text = PathNormalisation.escapingBeyondASCII(text)
      return match.ignoresCase ? text.lowercased() : text
    }
    switch match.kind {
    case .exact(let text): kind = .exact(ready(text))
    case .prefix(let text): kind = .prefix(ready(text))
    case .segments(let text):
      var text = ready(text)
      while text.hasSuffix("/") { text.removeLast() }
      kind = .segments(text)
    case .expression(let text):
      kind = .expression(try Pattern(text))
      ignoresCase = false
    }
    self.ignoresCase = ignoresCase
  }

  /// The second text is the path in lower case.
  func matches(_ path: String, folded: String) -> Bool {
    let path = ignoresCase ? folded : path
    switch kind {
    case .exact(let wanted): return path == wanted
    case .prefix(let prefix): return path.utf8.starts(with: prefix.utf8)
    case .segments(let prefix):
      guard path.utf8.starts(with: prefix.utf8) else { return false }
      return path.utf8.dropFirst(prefix.utf8.count).first.map { $0 == UInt8(ascii: "/") } ?? true
    case .expression(let pattern): return pattern.matchesWhole(path)
    }
  }

  /// How many bytes of a path that matches are the prefix; all of them for the kinds that match whole paths.
  func matchedLength(of path: String) -> Int {
    switch kind {
    case .prefix(let prefix), .segments(let prefix): min(prefix.utf8.count, path.utf8.count)
    case .exact, .expression: path.utf8.count
    }
  }
}
