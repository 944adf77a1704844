/// Things of one kind with what is known of each: shown as a table, as JSON or as YAML, from one source.
public struct Listing: Hashable, Sendable {
  /// What is known of each thing.
  public struct Column: Hashable, Sendable {
    /// In JSON and YAML. Keys stay as they are; new ones may come.
    public var key: String
    /// In the table; nil when it is in JSON and YAML alone.
    public var title: String?
    /// Shown with `-o wide` alone.
    public var isWide: Bool
    public var minimum: Int
    public var isNumber: Bool

    public init(
      _ key: String, _ title: String?, isWide: Bool = false, minimum: Int = 10, isNumber: Bool = false
    ) {
      self.key = key
      self.title = title
      self.isWide = isWide
      self.minimum = minimum
      self.isNumber = isNumber
    }
  }

  /// One thing.
  public struct Row: Hashable, Sendable {
    public var values: [String: JSONTree]
    /// What the table says in the place of the value, and in which tone.
    public var cells: [String: Cell]

    public init(_ values: [String: JSONTree], cells: [String: Cell] = [:]) {
      self.values = values
      self.cells = cells
    }

    func cell(_ key: String) -> Cell { cells[key] ?? Cell((values[key] ?? .null).cell) }
  }

  /// The key of the list in JSON.
  public var name: String
  public var columns: [Column]
  public private(set) var rows: [Row]

  /// Rows are sorted by their columns, from the first on.
  public init(_ name: String, _ columns: [Column], _ rows: [Row]) {
    self.name = name
    self.columns = columns
    let keys = columns.compactMap { $0.title == nil ? nil : $0.key }
    let sortable = rows.map { row in (keys.map { Self.padded((row.values[$0] ?? .null).cell) }, row) }
    self.rows = sortable.sorted { $0.0.lexicographicallyPrecedes($1.0) }.map(\.1)
  }

  /// Rows stay in their order.
  init(inOrder name: String, _ columns: [Column], _ rows: [Row]) {
    self.name = name
    self.columns = columns
    self.rows = rows
  }

  /// So that pod-10 comes after pod-9: numbers in a name count as numbers.
  private static func padded(_ text: String) -> String {
    var padded = ""
    var digits = ""
    for character in text {
      if character.isASCII, character.isNumber {
        digits.append(character)
      } else {
        padded += pad(digits)
        digits = ""
        padded.append(character)
      }
    }
    return padded + pad(digits)
  }

  private static func pad(_ digits: String) -> String {
    digits.isEmpty ? "" : String(repeating: "0", count: max(0, 20 - digits.count)) + digits
  }

  public func table(isWide: Bool) -> Table {
    let shown = columns.filter { $0.title != nil && (isWide || !$0.isWide) }
    return Table(
      shown.map { Table.Column($0.title ?? "", minimum: $0.minimum, isNumber: $0.isNumber) },
      rows.map { row in shown.map { row.cell($0.key) } })
  }

  public var tree: JSONTree {
    .list(
      rows.map { row in
        .object(Dictionary(columns.map { ($0.key, row.values[$0.key] ?? .null) }) { first, _ in first })
      })
  }

  /// Those alone that a selection keeps.
  ///
  /// - Throws: when the selection names a key that nothing here has.
  public func selecting(_ selection: Selection) throws(SelectionError) -> Listing {
    var kept = self
    for term in selection.terms {
      guard columns.contains(where: { $0.key == term.key }) else {
        let keys = columns.map(\.key).joined(separator: ", ")
        throw SelectionError("There is no \(term.key) to select \(name) by; there is \(keys).")
      }
      kept.rows = kept.rows.filter { term.holds(for: $0.values[term.key] ?? .null) }
    }
    return kept
  }
}
