import Telemetry

extension JSONTree {
  /// The same as YAML 1.2, keys in order. What could be taken for something else is quoted.
  public var yaml: String {
    var text = ""
    writeYAML(to: &text, indent: 0, afterDash: false)
    return text
  }

  private func writeYAML(to text: inout String, indent: Int, afterDash: Bool) {
    let margin = String(repeating: " ", count: indent)
    switch self {
    case .list(let items) where !items.isEmpty:
      for (index, item) in items.enumerated() {
        text += (index == 0 && afterDash ? "" : margin) + "- "
        item.writeYAML(to: &text, indent: indent + 2, afterDash: true)
      }
    case .object(let members) where !members.isEmpty:
      for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        text += (index == 0 && afterDash ? "" : margin) + Self.scalar(member.key) + ":"
        guard member.value.isBranch else {
          text += " "
          member.value.writeYAML(to: &text, indent: 0, afterDash: true)
          continue
        }
        text += "\n"
        member.value.writeYAML(to: &text, indent: indent + 2, afterDash: false)
      }
    default: text += leaf + "\n"
    }
  }

  private var isBranch: Bool {
    switch self {
    case .list(let items): !items.isEmpty
    case .object(let members): !members.isEmpty
    default: false
    }
  }

  private var leaf: String {
    switch self {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .number(let value): Self.digits(value)
    case .text(let value): Self.scalar(value)
    case .list: "[]"
    case .object: "{}"
    }
  }

  /// Plain where no reader could take it for another type or for syntax.
  private static func scalar(_ text: String) -> String {
    let isLetter = { (byte: UInt8) in (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) }
    let isPlain = text.utf8.allSatisfy {
      isLetter($0) || (0x30...0x39).contains($0) || [0x2d, 0x2e, 0x2f, 0x5f].contains($0)
    }
    guard isPlain, let first = text.utf8.first, isLetter(first), !taken.contains(text.lowercased()) else {
      return JSONText.quoted(text)
    }
    return text
  }

  /// Words that some version of YAML reads as a boolean or as nothing.
  private static let taken: Set<String> = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"]
}
