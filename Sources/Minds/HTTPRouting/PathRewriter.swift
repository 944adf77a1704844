import MeshModel
import Patterns

/// A `Rewrite.Path`, ready.
enum PathRewriter: Sendable {
  case whole(String)
  case prefix(String)
  case segments(String)
  case expression(Pattern, Substitution)

  init(_ path: Rewrite.Path) throws(PatternError) {
    switch path {
    case .whole(let text): self = .whole(text)
    case .prefix(let text): self = .prefix(text)
    case .segments(let text): self = .segments(text)
    case .expression(let text, let substitution):
      let pattern = try Pattern(text)
      self = .expression(pattern, try Substitution(substitution, for: pattern))
    }
  }

  /// The path in place of another of which the rule's match names so many bytes. It begins with a slash; nil
  /// when replacing goes beyond the limits of `Pattern`.
  func rewritten(_ path: String, matchedLength: Int) -> String? {
    let rewritten: String
    switch self {
    case .whole(let text): rewritten = text
    case .prefix(let text): rewritten = text + String(Substring(path.utf8.dropFirst(matchedLength)))
    case .segments(let text):
      // A slash at the end of what matched begins what stays, so that there is one between the two.
      let slash = matchedLength > 0 && path.utf8.dropFirst(matchedLength - 1).first == UInt8(ascii: "/")
      let rest = Substring(path.utf8.dropFirst(slash ? matchedLength - 1 : matchedLength))
      var start = Substring(text)
      while start.last == "/" { start.removeLast() }
      rewritten = rest.isEmpty ? text : "\(start)\(rest)"
    case .expression(let pattern, let substitution):
      guard let replaced = pattern.replacing(in: path, with: substitution) else { return nil }
      rewritten = replaced
    }
    return rewritten.utf8.first == UInt8(ascii: "/") ? rewritten : "/" + rewritten
  }
}
