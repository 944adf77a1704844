@testable import Inspecting

extension Table {
  /// Its lines with one bar for the blanks between columns: what is told, without where it stands.
  var squeezed: [String] {
    lines(Table.Style()).map { line in
      var cells: [Substring] = []
      var rest = line[...]
      while let gap = rest.firstRange(of: "  ") {
        cells.append(rest[..<gap.lowerBound])
        rest = rest[gap.upperBound...].drop { $0 == " " }
      }
      return (cells + [rest]).filter { !$0.isEmpty }.joined(separator: "|")
    }
  }
}
