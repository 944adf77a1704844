import Patterns

extension FuzzTarget {
  /// What routes and policies ask of requests: expressions, from manifests, and the paths that they judge.
  static let routing: [FuzzTarget] = [
    // The first line is the expression, the rest a text.
    FuzzTarget("pattern") { bytes in
      let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
      let expression = String(decoding: lines[0], as: UTF8.self)
      let text = String(decoding: lines.dropFirst().joined().prefix(64), as: UTF8.self)
      guard let pattern = try? Pattern(expression) else { return }
      let matches = pattern.matchesWhole(text)
      if matches {
        precondition(text.utf8.starts(with: pattern.requiredPrefix.utf8), "a prefix that is not required")
      }
      // Two engines must agree: the one for whole texts, and the one that searches.
      if let whole = try? Pattern("\\A(?:\(expression))\\z"), !expression.contains("\\Q") {
        precondition((whole.firstMatch(in: text) != nil) == matches, "\(expression) and \(text)")
      }
      if let nothing = try? Substitution("", for: pattern) { _ = pattern.replacing(in: text, with: nothing) }
    }
  ]
}
