import Yams

/// A text as lines of characters, changed in place. Lines and columns count from 1, and columns in Unicode
/// scalars, as the parser counts them; offsets in a line from 0.
struct SourceText {
  private var lines: [[Unicode.Scalar]]
  /// What stands before each line feed, for files that were written elsewhere.
  private let isWindows: Bool

  init(_ text: String) {
    lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
    isWindows = lines.count > 1 && lines[0].last == "\r"
  }

  var text: String {
    var scalars = String.UnicodeScalarView()
    for (index, line) in lines.enumerated() {
      if index > 0 { scalars.append("\n") }
      scalars.append(contentsOf: line)
    }
    return String(scalars)
  }

  mutating func insertLine(before line: Int, _ text: String) {
    let scalars = Array(text.unicodeScalars) + (isWindows ? ["\r"] : [])
    lines.insert(scalars, at: min(line - 1, lines.count))
  }

  mutating func removeLine(_ line: Int) { lines.remove(at: line - 1) }

  mutating func insert(line: Int, column: Int, _ text: String) {
    lines[line - 1].insert(contentsOf: text.unicodeScalars, at: min(column - 1, lines[line - 1].count))
  }

  mutating func replace(line: Int, _ range: Range<Int>, with text: String) {
    lines[line - 1].replaceSubrange(range, with: text.unicodeScalars)
  }

  func isQuoted(line: Int, column: Int) -> Bool {
    let line = lines[line - 1]
    return column <= line.count && line[column - 1] == "\""
  }

  /// Whether a map is written in braces. The parser says of every map that it has any style.
  func isFlow(_ node: Node) -> Bool {
    guard let mark = node.mark, mark.line <= lines.count else { return false }
    let line = lines[mark.line - 1]
    return mark.column <= line.count && line[mark.column - 1] == "{"
  }

  /// The characters of a scalar that begins and ends on one line; nil for one that does not.
  func scalar(line: Int, column: Int, isFlow: Bool) -> Range<Int>? {
    let text = lines[line - 1]
    let start = column - 1
    guard start < text.count else { return nil }
    switch text[start] {
    case "\"", "'": return Self.quoted(text, start).map { start..<$0 }
    // Blocks of text, anchors, tags, aliases.
    case "|", ">", "&", "!", "*": return nil
    default:
      var end = start
      while end < text.count, !Self.ends(text, at: end, isFlow: isFlow) { end += 1 }
      while end > start, [" ", "\t", "\r"].contains(text[end - 1]) { end -= 1 }
      return start..<end
    }
  }

  /// The end of a quoted scalar, behind its quote.
  private static func quoted(_ text: [Unicode.Scalar], _ start: Int) -> Int? {
    let quote = text[start]
    var index = start + 1
    while index < text.count {
      if text[index] == "\\", quote == "\"" {
        index += 2
      } else if text[index] == quote {
        guard quote == "'", index + 1 < text.count, text[index + 1] == "'" else { return index + 1 }
        index += 2
      } else {
        index += 1
      }
    }
    return nil
  }

  private static func ends(_ text: [Unicode.Scalar], at index: Int, isFlow: Bool) -> Bool {
    switch text[index] {
    case ",", "}", "]": isFlow
    case "#": index > 0 && (text[index - 1] == " " || text[index - 1] == "\t")
    default: false
    }
  }

  /// Takes an entry out of `{a: b, c: d}`, with one of its commas.
  mutating func removeFlowEntry(line: Int, _ range: Range<Int>) {
    let text = lines[line - 1]
    var start = range.lowerBound
    var end = range.upperBound
    var next = end
    while next < text.count, text[next] == " " { next += 1 }
    if next < text.count, text[next] == "," {
      end = next + 1
      while end < text.count, text[end] == " " { end += 1 }
    } else {
      var last = start
      while last > 0, text[last - 1] == " " { last -= 1 }
      if last > 0, text[last - 1] == "," { start = last - 1 }
    }
    lines[line - 1].removeSubrange(start..<end)
  }

  /// Nothing but blanks stands before the offset.
  func isAlone(line: Int, from offset: Int) -> Bool {
    lines[line - 1].prefix(offset).allSatisfy { $0 == " " }
  }

  /// A line that is a key without a value, and nothing else.
  func isBareKey(line: Int) -> Bool {
    var text = lines[line - 1]
    while let last = text.last, [" ", "\r"].contains(last) { text.removeLast() }
    return text.last == ":"
  }
}

/// Text in double quotes, as JSON and YAML read it; labels and annotations hold no controls.
enum JSONQuote {
  static func text(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
