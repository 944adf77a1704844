/// A YAML or JSON value with the line it begins on. Aliases are expanded, merge keys (`<<`) are ordinary
/// keys.
struct YAMLNode: Sendable {
  var content: Content
  /// Counted from 1.
  var line: Int

  enum Content: Sendable {
    case null
    /// Plain scalars may be numbers and booleans; quoted ones are text.
    case scalar(String, isPlain: Bool)
    case list([YAMLNode])
    case map([Entry])
  }

  struct Entry: Sendable {
    var key: String
    var line: Int
    var value: YAMLNode
  }

  var isNull: Bool { if case .null = content { true } else { false } }

  /// What a user calls it.
  var typeName: String {
    switch content {
    case .null: "empty"
    case .scalar(let text, let isPlain):
      !isPlain ? "text" : Self.boolean(text) != nil ? "a boolean" : Self.isNumber(text) ? "a number" : "text"
    case .list: "a list"
    case .map: "an object"
    }
  }

  /// The booleans of YAML 1.1, which the Kubernetes tools still read.
  static func boolean(_ text: String) -> Bool? {
    switch text {
    case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": true
    case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": false
    default: nil
    }
  }

  static func isNull(_ text: String) -> Bool {
    switch text {
    case "", "~", "null", "Null", "NULL": true
    default: false
    }
  }

  static func isNumber(_ text: String) -> Bool {
    Double(text) != nil && text.utf8.contains { (48...57).contains($0) }
  }
}
