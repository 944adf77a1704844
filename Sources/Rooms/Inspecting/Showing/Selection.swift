/// Which rows are wanted, as label selectors say it: `node=node-1,protocol!=TCP`.
public struct Selection: Hashable, Sendable {
  struct Term: Hashable, Sendable {
    var key: String
    var value: String
    var isWanted: Bool

    /// Of a list one item is enough.
    func holds(for found: JSONTree) -> Bool {
      let texts = if case .list(let items) = found { items.map(\.cell) } else { [found.cell] }
      return texts.contains(value) == isWanted
    }
  }

  var terms: [Term] = []

  public init() {}

  public init(_ text: String) throws(SelectionError) {
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let equals = part.firstIndex(of: "=") else {
        throw SelectionError("\(part.debugDescription) selects nothing: write KEY=VALUE or KEY!=VALUE.")
      }
      var key = part[..<equals]
      var value = part[part.index(after: equals)...]
      if value.first == "=" { value.removeFirst() }
      let isWanted = key.last != "!"
      if !isWanted { key.removeLast() }
      guard !key.isEmpty else {
        throw SelectionError("\(part.debugDescription) selects nothing: write KEY=VALUE or KEY!=VALUE.")
      }
      terms.append(Term(key: String(key), value: String(value), isWanted: isWanted))
    }
  }
}

/// Why a selection cannot be used: one sentence.
public struct SelectionError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }
}
