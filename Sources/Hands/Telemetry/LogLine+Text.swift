extension LogLine {
  func text() -> [UInt8] {
    var line = "\(Timestamp.text(time))\t\(Self.name(of: level))\t"
    Self.escape(scope, into: &line)
    line += "\t"
    Self.escape(Self.clipped(message), into: &line)
    for (index, field) in fields.enumerated() {
      line += index == 0 ? "\t" : " "
      Self.escape(field.key, into: &line)
      line += "="
      Self.appendValue(Self.clipped(field.value), to: &line)
    }
    line += "\n"
    return Array(line.utf8)
  }

  /// Quoted when a reader could not tell where the value ends.
  private static func appendValue(_ value: String, to line: inout String) {
    let isBare = value.unicodeScalars.allSatisfy { scalar in
      scalar.value > 0x20 && scalar != "\"" && scalar != "=" && scalar != "\\" && !isControl(scalar)
    }
    guard value.isEmpty || !isBare else {
      line += value
      return
    }
    line += "\""
    escape(value, into: &line, quoted: true)
    line += "\""
  }

  /// No text of a peer's may end the line, move the terminal's cursor or pass for another field.
  private static func escape(_ text: String, into line: inout String, quoted: Bool = false) {
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"" where quoted: line += "\\\""
      case "\\" where quoted: line += "\\\\"
      case "\n": line += "\\n"
      case "\r": line += "\\r"
      case "\t": line += "\\t"
      case _ where isControl(scalar): line += "\\u{\(String(scalar.value, radix: 16))}"
      default: line.unicodeScalars.append(scalar)
      }
    }
  }

  /// C0, DEL, C1, and the separators and direction marks of Unicode that change how a line is shown.
  public static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...0x1f, 0x7f...0x9f, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
    default: false
    }
  }
}
