/// Rows of cells under a header, each column as wide as its widest cell, two blanks apart; fitted to a
/// width where there is one.
public struct Table: Hashable, Sendable {
  /// A column.
  public struct Column: Hashable, Sendable {
    public var title: String
    /// How narrow it may become, in characters.
    public var minimum: Int
    /// Numbers end at the right.
    public var isNumber: Bool

    public init(_ title: String, minimum: Int = 10, isNumber: Bool = false) {
      self.title = title
      self.minimum = minimum
      self.isNumber = isNumber
    }
  }

  /// Where it is shown.
  public struct Style: Hashable, Sendable {
    /// Characters of a line; nil for as many as it takes.
    public var width: Int?
    public var hasColour: Bool

    public init(width: Int? = nil, hasColour: Bool = false) {
      self.width = width
      self.hasColour = hasColour
    }
  }

  private static let gap = 2

  public var columns: [Column]
  /// Each has a cell for every column.
  public var rows: [[Cell]]

  public init(_ columns: [Column], _ rows: [[Cell]]) {
    self.columns = columns
    self.rows = rows
  }

  /// Its lines, each with a line feed.
  public func text(_ style: Style) -> String {
    lines(style).map { $0 + "\n" }.joined()
  }

  /// The header, then a line for each row; none longer than the style's width.
  public func lines(_ style: Style) -> [String] {
    let widths = widths(style.width)
    let header = columns.map { Cell($0.title, .faint) }
    return ([header] + rows).map { line($0, widths, style) }
  }

  private func line(_ cells: [Cell], _ widths: [Int], _ style: Style) -> String {
    var line = ""
    var room = style.width ?? .max
    for (index, cell) in cells.enumerated() where room > 0 {
      let width = min(widths[index], room)
      let shown = Cell.shortened(cell.text, to: width)
      let padding = String(repeating: " ", count: width - shown.count)
      let isLast = index == cells.count - 1
      let coloured = style.hasColour ? Self.coloured(shown, cell.tone) : shown
      line += columns[index].isNumber ? padding + coloured : coloured + (isLast ? "" : padding)
      room -= width
      guard !isLast, room > Self.gap else { break }
      line += String(repeating: " ", count: Self.gap)
      room -= Self.gap
    }
    while line.last == " " { line.removeLast() }
    return line
  }

  /// The widest columns give way first, none below its minimum; what is still too wide is cut at the right.
  private func widths(_ limit: Int?) -> [Int] {
    var widths = columns.indices.map { index in
      max(columns[index].title.count, rows.map { $0[index].text.count }.max() ?? 0)
    }
    guard let limit else { return widths }
    var excess = widths.reduce(0, +) + Self.gap * max(0, widths.count - 1) - limit
    while excess > 0,
      let widest = widths.indices.filter({ widths[$0] > columns[$0].minimum }).max(by: {
        widths[$0] < widths[$1]
      })
    {
      widths[widest] -= 1
      excess -= 1
    }
    return widths
  }

  /// Select Graphic Rendition (ECMA-48 section 8.3.117), with the terminal's own colours.
  static func coloured(_ text: String, _ tone: Cell.Tone) -> String {
    let code: String
    switch tone {
    case .plain: return text
    case .good: code = "32"
    case .warning: code = "33"
    case .bad: code = "31"
    case .faint: code = "2"
    }
    return text.isEmpty ? text : "\u{1b}[\(code)m\(text)\u{1b}[0m"
  }
}
