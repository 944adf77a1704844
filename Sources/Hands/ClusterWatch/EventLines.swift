/// Cuts the body of a watch into its events, one JSON text a line.
struct EventLines {
  /// An event that is longer is refused: the Kubernetes API takes objects of 3 MiB at most.
  static let longest = 8 << 20

  private var rest: [UInt8] = []

  /// The lines that are complete now; nil when one is too long.
  mutating func receive(_ piece: [UInt8]) -> [[UInt8]]? {
    var lines: [[UInt8]] = []
    for part in piece.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      if part.offset > 0 {
        if !rest.isEmpty { lines.append(rest) }
        rest = []
      }
      rest += part.element
      guard rest.count <= Self.longest else { return nil }
    }
    return lines
  }

  /// The stream ended in the middle of an event.
  var isCut: Bool { !rest.isEmpty }
}
