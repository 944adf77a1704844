/// What a command prints: lists, and the places of which nothing could be learned.
public struct Shown: Hashable, Sendable {
  /// How.
  public enum Form: String, Sendable, CaseIterable { case table, wide, json, yaml }

  public var listings: [Listing]
  public var unreachable: [Unreachable]
  /// Further members of the JSON object.
  public var members: [String: JSONTree]
  /// Lines above the tables: what, and what there is to say of it.
  public var heading: [Line]

  /// A line above the tables.
  public struct Line: Hashable, Sendable {
    public var name: String
    public var cell: Cell
  }

  public init(
    _ listings: [Listing], unreachable: [Unreachable] = [], members: [String: JSONTree] = [:],
    heading: [(String, Cell)] = []
  ) {
    self.listings = listings
    self.unreachable = unreachable
    self.members = members
    self.heading = heading.map { Line(name: $0.0, cell: $0.1) }
  }

  /// Tables have their names above them when there are several.
  public func text(_ form: Form, _ style: Table.Style) -> String {
    switch form {
    case .json: return tree.json
    case .yaml: return tree.yaml
    case .table, .wide:
      let style = form == .wide ? Table.Style(width: nil, hasColour: style.hasColour) : style
      var blocks = heading.isEmpty ? [] : [summary(style)]
      for listing in listings where !listing.rows.isEmpty || listings.count == 1 {
        blocks.append(listing.table(isWide: form == .wide).text(style))
      }
      return blocks.joined(separator: "\n")
    }
  }

  private func summary(_ style: Table.Style) -> String {
    let table = Table(
      [Table.Column("", minimum: 12), Table.Column("", minimum: 20)],
      heading.map { [Cell($0.name + ":", .faint), $0.cell] })
    return table.lines(style).dropFirst().map { $0 + "\n" }.joined()
  }

  /// `{"NAME": [...], "unreachable": [{"name", "url", "reason"}]}`.
  public var tree: JSONTree {
    var members = self.members
    for listing in listings { members[listing.name] = listing.tree }
    members["unreachable"] = .list(unreachable.map(\.tree))
    return .object(members)
  }
}

/// A place that was asked and did not tell.
public struct Unreachable: Hashable, Sendable, CustomStringConvertible {
  public var name: String
  public var url: String
  /// One clause.
  public var reason: String

  public init(name: String, url: String, reason: String) {
    self.name = name
    self.url = url
    self.reason = reason
  }

  public var description: String { "\(name) does not tell: \(reason)" }

  var tree: JSONTree {
    .object(["name": .text(name), "url": .text(url), "reason": .text(reason)])
  }
}
