extension LogLine {
  func json() -> [UInt8] {
    var line = "{\"level\":\"\(Self.name(of: level))\",\"time\":\"\(Timestamp.text(time))\",\"scope\":"
    line += JSONText.quoted(scope)
    line += ",\"message\":"
    line += JSONText.quoted(Self.clipped(message))
    for field in fields {
      line += ","
      // Ours come first; a field of the same name would be a second member of that name.
      let isOurs = ["level", "time", "scope", "message"].contains(field.key)
      line += JSONText.quoted(isOurs ? "field.\(field.key)" : field.key)
      line += ":"
      line += JSONText.quoted(Self.clipped(field.value))
    }
    line += "}\n"
    return Array(line.utf8)
  }
}
