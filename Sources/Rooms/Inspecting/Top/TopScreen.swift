public import MeshGraph

/// What `apus top` shows on a terminal, and what keys do to it. It knows neither the terminal nor the time.
public struct TopScreen: Sendable {
  /// What a key asks for that is not the screen's own to do.
  public enum Wish: Sendable { case nothing, leave }

  public private(set) var edges: EdgeListing
  /// The newest graph; nil before the first.
  public private(set) var graph: ServiceGraph?
  /// Why there is none newer.
  public var problem: String?
  public private(set) var isPaused = false
  private var isTyping = false
  private var top = 0
  private let title: String

  public init(_ edges: EdgeListing, title: String) {
    self.edges = edges
    self.title = title
  }

  public mutating func take(_ graph: ServiceGraph) {
    problem = nil
    if !isPaused { self.graph = graph }
  }

  // MARK: Keys

  public mutating func press(_ bytes: [UInt8]) -> Wish {
    var bytes = bytes[...]
    while let byte = bytes.popFirst() {
      // Arrows are ESC [ A and ESC [ B; an escape alone takes the filter away.
      if byte == 0x1b {
        arrow(&bytes)
        continue
      }
      if byte == 3 { return .leave }
      if isTyping {
        type(byte)
      } else if byte == UInt8(ascii: "q") {
        return .leave
      } else {
        command(byte)
      }
    }
    return .nothing
  }

  private mutating func arrow(_ bytes: inout ArraySlice<UInt8>) {
    guard bytes.first == UInt8(ascii: "[") || bytes.first == UInt8(ascii: "O") else {
      isTyping = false
      edges.filter = ""
      return
    }
    bytes.removeFirst()
    switch bytes.popFirst() {
    case UInt8(ascii: "A"): top = max(0, top - 1)
    case UInt8(ascii: "B"): top += 1
    default: break
    }
  }

  /// The longest filter: more fits no line.
  private static let filterLimit = 60

  private mutating func type(_ byte: UInt8) {
    switch byte {
    case 13, 10: isTyping = false
    case 8, 127: if !edges.filter.isEmpty { edges.filter.removeLast() }
    case 0x20..<0x7f:
      if edges.filter.utf8.count < Self.filterLimit {
        edges.filter.unicodeScalars.append(Unicode.Scalar(byte))
      }
    default: break
    }
    top = 0
  }

  private mutating func command(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "r"): edges.order = .rate
    case UInt8(ascii: "e"): edges.order = .errors
    case UInt8(ascii: "p"): edges.order = .latency
    case UInt8(ascii: "b"): edges.order = .bytes
    case UInt8(ascii: "d"): edges.order = .denials
    case UInt8(ascii: "n"): edges.order = .name
    case UInt8(ascii: "/"): isTyping = true
    case UInt8(ascii: " "): isPaused.toggle()
    case UInt8(ascii: "j"): top += 1
    case UInt8(ascii: "k"): top = max(0, top - 1)
    default: break
    }
  }

  // MARK: Lines

  /// Exactly `rows` lines, none longer than the style's width.
  public mutating func lines(rows: Int, _ style: Table.Style) -> [String] {
    let width = style.width ?? 80
    let table = graph.map { edges.listing($0).table(isWide: width > Self.wide) }
    var lines = [Cell.shortened(head(table?.rows.count ?? 0), to: width)]
    if let table {
      let room = max(0, rows - 3)
      top = min(top, max(0, table.rows.count - room))
      // Columns are as wide as all rows want them, so that they stay while one scrolls.
      let all = table.lines(style)
      lines += all.prefix(1) + all.dropFirst(1 + top).prefix(room)
    }
    lines = Array(lines.prefix(max(0, rows - 1)))
    lines += Array(repeating: "", count: max(0, rows - 1 - lines.count))
    if rows > 0 { lines.append(Cell.shortened(foot, to: width)) }
    return lines
  }

  /// Columns of `-o wide` are shown where there is room for them.
  private static let wide = 180

  private func head(_ shown: Int) -> String {
    guard let graph else { return "\(title): \(problem ?? "asking the control plane")" }
    let marks = [isPaused ? "paused" : nil, problem].compactMap { $0 }.map { "; \($0)" }.joined()
    let count = shown == graph.edges.count ? "\(shown)" : "\(shown) of \(graph.edges.count)"
    let window = Figure.short(graph.windowSeconds)
    return "\(title): \(count) edges over \(window) s by \(edges.order.rawValue)\(marks)"
  }

  private var foot: String {
    guard !isTyping else { return "filter: \(edges.filter)_  (Enter keeps it, Esc takes it away)" }
    let filter = edges.filter.isEmpty ? "/ filter" : "/ filter (\(edges.filter)), Esc all"
    return "q leave  sort: r rate  e errors  p p99  b bytes  d denials  n name  \(filter)  space pause"
  }
}
