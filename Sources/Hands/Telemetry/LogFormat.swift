/// How a log line is written.
public enum LogFormat: String, Sendable, CaseIterable {
  /// `time<TAB>level<TAB>scope<TAB>message<TAB>key=value ...`, the shape of the ecosystem's agents.
  case text
  /// One JSON object a line.
  case json
}
