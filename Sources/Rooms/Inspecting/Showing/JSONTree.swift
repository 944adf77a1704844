import Telemetry

/// A JSON value. What a command prints is made of these, so that its table, JSON and YAML say the same.
public enum JSONTree: Hashable, Sendable {
  case null
  case boolean(Bool)
  case number(Double)
  case text(String)
  case list([JSONTree])
  case object([String: JSONTree])

  public init(_ text: String?) { self = text.map { .text($0) } ?? .null }

  public init(_ number: Int?) { self = number.map { .number(Double($0)) } ?? .null }

  public init(_ texts: [String]) { self = .list(texts.map { .text($0) }) }

  /// As a cell of a table: lists with blanks between, nothing as a dash.
  public var cell: String {
    switch self {
    case .null: "-"
    case .boolean(let value): "\(value)"
    case .number(let value): Self.digits(value)
    case .text(let text): text.isEmpty ? "-" : text
    case .list(let items): items.isEmpty ? "-" : items.map(\.cell).joined(separator: " ")
    case .object(let members):
      members.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.cell)" }.joined(separator: " ")
    }
  }

  /// Whole numbers without a point.
  static func digits(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 9e15 ? "\(Int(value))" : "\(value)"
  }

  /// Two blanks a level, keys in order, a line feed at the end.
  public var json: String {
    var text = ""
    write(to: &text, indent: 0)
    return text + "\n"
  }

  private func write(to text: inout String, indent: Int) {
    switch self {
    case .null: text += "null"
    case .boolean(let value): text += "\(value)"
    // There is no other number in JSON.
    case .number(let value): text += value.isFinite ? Self.digits(value) : "null"
    case .text(let value): text += JSONText.quoted(value)
    case .list(let items):
      Self.write(items.map { ("", $0) }, between: ("[", "]"), to: &text, indent)
    case .object(let members):
      let members = members.sorted { $0.key < $1.key }.map { (JSONText.quoted($0.key) + ": ", $0.value) }
      Self.write(members, between: ("{", "}"), to: &text, indent)
    }
  }

  private static func write(
    _ items: [(String, JSONTree)], between brackets: (String, String), to text: inout String, _ indent: Int
  ) {
    guard !items.isEmpty else { return text += brackets.0 + brackets.1 }
    let margin = String(repeating: "  ", count: indent + 1)
    text += brackets.0
    for (index, item) in items.enumerated() {
      text += (index == 0 ? "\n" : ",\n") + margin + item.0
      item.1.write(to: &text, indent: indent + 1)
    }
    text += "\n\(margin.dropLast(2))\(brackets.1)"
  }
}
