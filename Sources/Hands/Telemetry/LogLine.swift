public import Logging

/// One line of the log, before it is written in a format.
public struct LogLine: Sendable {
  /// Wall time, nanoseconds since 1970.
  public var time: Int64
  public var level: Logger.Level
  /// The part of the program that speaks: the logger's label.
  public var scope: String
  public var message: String
  /// In the order written.
  public var fields: [(key: String, value: String)]

  /// The longest message or value, in bytes of UTF-8; the rest is cut and told by an ellipsis.
  public static let maximumText = 4_096

  public init(
    time: Int64, level: Logger.Level, scope: String, message: String,
    fields: [(key: String, value: String)] = []
  ) {
    self.time = time
    self.level = level
    self.scope = scope
    self.message = message
    self.fields = fields
  }

  /// The line with its line feed.
  public func encode(_ format: LogFormat) -> [UInt8] {
    switch format {
    case .text: text()
    case .json: json()
    }
  }

  static func name(of level: Logger.Level) -> String {
    switch level {
    case .trace: "trace"
    case .debug: "debug"
    case .info: "info"
    case .notice: "notice"
    case .warning: "warn"
    case .error: "error"
    case .critical: "critical"
    }
  }

  /// At most so many bytes of a text, cut between characters.
  static func clipped(_ text: String, to maximum: Int = maximumText) -> String {
    guard text.utf8.count > maximum else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: maximum)
    while String.Index(end, within: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
    return text[..<end] + "…"
  }
}
