extension LogLine {
  func json() -> [UInt8] {
    var line = "{\"level\":\"\(Self.name(of: level))\",\"time\":\"\(Timestamp.text(time))\",\"scope\":"
    Self.appendString(scope, to: &line)
    line += ",\"message\":"
    Self.appendString(Self.clipped(message), to: &line)
    for field in fields {
      line += ","
      // Ours come first; a field of the same name would be a second member of that name.
      let isOurs = ["level", "time", "scope", "message"].contains(field.key)
      Self.appendString(isOurs ? "field.\(field.key)" : field.key, to: &line)
      line += ":"
      Self.appendString(Self.clipped(field.value), to: &line)
    }
    line += "}\n"
    return Array(line.utf8)
  }

  /// A string of RFC 8259 section 7.
  private static func appendString(_ text: String, to line: inout String) {
    line += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": line += "\\\""
      case "\\": line += "\\\\"
      case "\n": line += "\\n"
      case "\r": line += "\\r"
      case "\t": line += "\\t"
      case _ where isControl(scalar):
        let digits = String(scalar.value, radix: 16)
        line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: line.unicodeScalars.append(scalar)
      }
    }
    line += "\""
  }
}
