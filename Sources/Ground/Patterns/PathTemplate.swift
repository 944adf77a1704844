/// A path of an AuthorizationPolicy in which `{*}` stands for one segment and `{**}`, once and after every
/// `{*}`, for any text, also none. `/a/{**}` asks for the slash: it does not match `/a`.
public struct PathTemplate: Hashable, Sendable {
  private let text: String

  /// Whether a path is written as a template.
  public static func isTemplate(_ text: String) -> Bool { text.contains("{*}") || text.contains("{**}") }

  public init(_ text: String) throws(PatternError) {
    var hasRest = false
    var offset = 0
    func fail(_ reason: String) -> PatternError {
      PatternError(expression: text, offset: offset, reason: reason)
    }
    guard text.hasPrefix("/") else { throw fail("a path begins with a slash") }
    for segment in text.split(separator: "/", omittingEmptySubsequences: false) {
      switch segment {
      case "{*}", "{**}":
        guard !hasRest else { throw fail("{**} must be the last operator") }
        hasRest = segment == "{**}"
      default:
        if let strange = segment.firstIndex(where: { "{}*".contains($0) }) {
          offset += segment.distance(from: segment.startIndex, to: strange)
          throw fail("only a whole segment can be {*} or {**}")
        }
      }
      offset += segment.unicodeScalars.count + 1
    }
    self.text = text
  }

  /// Whether it matches a whole path, in its normal form and without a query.
  public func matches(_ path: some StringProtocol) -> Bool { Self.matches(text, path) }

  /// The same for a template that is kept as text, which `init` has accepted or would: nothing is prepared.
  public static func matches(_ template: String, _ path: some StringProtocol) -> Bool {
    var pattern = template.utf8[...]
    var rest = Substring(path).utf8
    while let byte = pattern.first {
      guard byte == UInt8(ascii: "{") else {
        guard rest.popFirst() == byte else { return false }
        pattern.removeFirst()
        continue
      }
      if pattern.dropFirst(2).first == UInt8(ascii: "*") {
        let suffix = pattern.dropFirst("{**}".utf8.count)
        return rest.count >= suffix.count && rest.suffix(suffix.count).elementsEqual(suffix)
      }
      let segment = rest.prefix { $0 != UInt8(ascii: "/") }
      guard !segment.isEmpty else { return false }
      rest = rest[segment.endIndex...]
      pattern = pattern.dropFirst("{*}".utf8.count)
    }
    return rest.isEmpty
  }
}
