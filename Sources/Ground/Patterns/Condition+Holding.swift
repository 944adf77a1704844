extension Condition {
  /// Whether it holds, with what `attribute` knows. What is not known makes it fail where it decides.
  public func holds(_ attribute: (Attribute) -> Value?) -> Bool {
    root.value(attribute) == .boolean(true)
  }
}

extension Condition.Node {
  /// Nil is CEL's error.
  fileprivate func value(_ attribute: (Condition.Attribute) -> Condition.Value?) -> Condition.Value? {
    switch self {
    case .value(let value): return value
    case .attribute(let name): return attribute(name)
    case .has(let name): return .boolean(attribute(name) != nil)
    case .not(let node): return node.truth(attribute).map { .boolean(!$0) }
    case .all(let one, let two):
      return Self.joined(one.truth(attribute), two.truth(attribute), decider: false)
    case .any(let one, let two):
      return Self.joined(one.truth(attribute), two.truth(attribute), decider: true)
    case .compare(let left, let comparison, let right):
      guard let left = left.value(attribute), let right = right.value(attribute) else { return nil }
      return comparison.holds(left, right).map { .boolean($0) }
    case .among(let node, let values): return node.value(attribute).map { .boolean(values.contains($0)) }
    case .test(let node, let test):
      guard case .text(let text)? = node.value(attribute) else { return nil }
      return .boolean(test.holds(text))
    }
  }

  private func truth(_ attribute: (Condition.Attribute) -> Condition.Value?) -> Bool? {
    if case .boolean(let truth)? = value(attribute) { truth } else { nil }
  }

  /// `&&` and `||`: the deciding truth on one side wins over an error on the other.
  private static func joined(_ one: Bool?, _ two: Bool?, decider: Bool) -> Condition.Value? {
    if one == decider || two == decider { return .boolean(decider) }
    return one == nil || two == nil ? nil : .boolean(!decider)
  }
}

extension Condition.Comparison {
  fileprivate func holds(_ left: Condition.Value, _ right: Condition.Value) -> Bool? {
    switch self {
    case .equal: return left == right
    case .unequal: return left != right
    case .less, .atMost: break
    }
    let order: (isLess: Bool, isEqual: Bool)
    switch (left, right) {
    case (.number(let a), .number(let b)), (.duration(let a), .duration(let b)): order = (a < b, a == b)
    case (.text(let a), .text(let b)): order = (a < b, a == b)
    default: return nil
    }
    return order.isLess || (self == .atMost && order.isEqual)
  }
}

extension Condition.TextTest {
  fileprivate func holds(_ text: String) -> Bool {
    switch self {
    case .prefix(let prefix): text.hasPrefix(prefix)
    case .suffix(let suffix): text.hasSuffix(suffix)
    case .part(let part): text.contains(part)
    case .expression(let pattern): pattern.firstMatch(in: text) != nil
    }
  }
}
