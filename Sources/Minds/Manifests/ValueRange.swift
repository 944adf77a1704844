import MeshModel

/// A set of values, as a policy describes one: a name, a pattern, a range of addresses, a port.
protocol ValueRange {
  /// Some value is in both.
  func meets(_ other: Self) -> Bool
  /// Every value of the other is in this one.
  func covers(_ other: Self) -> Bool
}

extension Authorization.StringMatch: ValueRange {
  /// `presence` stands for any text. A prefix and a suffix always share one, however unlikely.
  func meets(_ other: Self) -> Bool {
    switch (self, other) {
    case (.presence, _), (_, .presence), (.prefix, .suffix), (.suffix, .prefix): true
    case (.exact(let text), _): other.takes(text)
    case (_, .exact(let text)): takes(text)
    case (.prefix(let left), .prefix(let right)): left.hasPrefix(right) || right.hasPrefix(left)
    case (.suffix(let left), .suffix(let right)): left.hasSuffix(right) || right.hasSuffix(left)
    }
  }

  func covers(_ other: Self) -> Bool {
    switch (self, other) {
    case (.presence, _): true
    case (_, .exact(let text)): takes(text)
    case (.prefix(let left), .prefix(let right)): right.hasPrefix(left)
    case (.suffix(let left), .suffix(let right)): right.hasSuffix(left)
    default: false
    }
  }

  func takes(_ text: String) -> Bool {
    switch self {
    case .presence: true
    case .exact(let whole): whole == text
    case .prefix(let head): text.hasPrefix(head)
    case .suffix(let tail): text.hasSuffix(tail)
    }
  }

  /// The one text; nil for a pattern.
  var only: String? { if case .exact(let text) = self { text } else { nil } }
}

extension IPPrefix: ValueRange {
  func meets(_ other: IPPrefix) -> Bool { covers(other) || other.covers(self) }

  func covers(_ other: IPPrefix) -> Bool { length <= other.length && contains(other.address) }
}

extension UInt16: ValueRange {
  func meets(_ other: UInt16) -> Bool { self == other }
  func covers(_ other: UInt16) -> Bool { self == other }
}
