import Telemetry

/// A cell of a table.
public struct Cell: Hashable, Sendable, ExpressibleByStringLiteral {
  /// What it says to the eye; only a terminal shows it.
  public enum Tone: Sendable { case plain, good, warning, bad, faint }

  public var text: String
  public var tone: Tone

  /// What controls a terminal is replaced: names and reasons come from elsewhere.
  public init(_ text: String, _ tone: Tone = .plain) {
    self.text = Self.harmless(text)
    self.tone = tone
  }

  public init(stringLiteral text: String) { self.init(text) }

  static func harmless(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: LogLine.isControl) else { return text }
    var cleaned = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { cleaned.append(LogLine.isControl(scalar) ? "?" : scalar) }
    return String(cleaned)
  }

  /// Of at most `width` characters: what is too long loses its middle, for both ends of a name tell most.
  static func shortened(_ text: String, to width: Int) -> String {
    guard text.count > width else { return text }
    guard width > 1 else { return width == 1 ? "…" : "" }
    let tail = (width - 1) / 2
    return text.prefix(width - 1 - tail) + "…" + text.suffix(tail)
  }
}
