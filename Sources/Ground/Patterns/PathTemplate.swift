/// A path of an AuthorizationPolicy in which `{*}` stands for one segment and `{**}`, once and after every
/// `{*}`, for any text, also none. `/a/{**}` asks for the slash: it does not match `/a`.
public struct PathTemplate: Hashable, Sendable {
  /// The text between operators; between two of them stands one segment.
  private let parts: [String]
  /// What follows `{**}`; nil without one.
  private let suffix: String?

  /// Whether a path is written as a template.
  public static func isTemplate(_ text: String) -> Bool { text.contains("{*}") || text.contains("{**}") }

  public init(_ text: String) throws(PatternError) {
    var parts = [""]
    var suffix: String?
    var offset = 0
    func fail(_ reason: String) -> PatternError {
      PatternError(expression: text, offset: offset, reason: reason)
    }
    guard text.hasPrefix("/") else { throw fail("a path begins with a slash") }
    for (index, segment) in text.split(separator: "/", omittingEmptySubsequences: false).enumerated() {
      let slash = index == 0 ? "" : "/"
      switch segment {
      case "{*}":
        guard suffix == nil else { throw fail("{**} must be the last operator") }
        parts[parts.count - 1] += slash
        parts.append("")
      case "{**}":
        guard suffix == nil else { throw fail("{**} must be the last operator") }
        parts[parts.count - 1] += slash
        suffix = ""
      default:
        if let strange = segment.firstIndex(where: { "{}*".contains($0) }) {
          offset += segment.distance(from: segment.startIndex, to: strange)
          throw fail("only a whole segment can be {*} or {**}")
        }
        if suffix == nil { parts[parts.count - 1] += slash + segment } else { suffix? += slash + segment }
      }
      offset += segment.unicodeScalars.count + 1
    }
    self.parts = parts
    self.suffix = suffix
  }

  /// Whether it matches a whole path, in its normal form and without a query.
  public func matches(_ path: some StringProtocol) -> Bool {
    var rest = Substring(path).utf8
    for (index, part) in parts.enumerated() {
      if index > 0 {
        let segment = rest.prefix { $0 != UInt8(ascii: "/") }
        guard !segment.isEmpty else { return false }
        rest = rest[segment.endIndex...]
      }
      guard rest.starts(with: part.utf8) else { return false }
      rest = rest.dropFirst(part.utf8.count)
    }
    guard let suffix else { return rest.isEmpty }
    return rest.count >= suffix.utf8.count && rest.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }
}
