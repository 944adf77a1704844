/// Reads conditions by recursive descent, and checks that what is compared can be.
struct ConditionParser {
  private typealias Node = Condition.Node
  private let text: String
  private var tokens: [ConditionToken] = []
  private var index = 0
  private var depth = 0

  init(_ text: String) { self.text = text }

  mutating func parse() throws(ConditionError) -> Condition.Node {
    tokens = try ConditionToken.read(text)
    let node = try alternatives()
    guard next == .end else { throw ConditionError("\(next.text) is not expected") }
    try expect(node, .boolean)
    return node
  }

  // MARK: Tokens

  private var next: ConditionToken { tokens[index] }

  private mutating func take() -> ConditionToken {
    defer { index = min(index + 1, tokens.count - 1) }
    return next
  }

  private mutating func skip(_ sign: String) -> Bool {
    guard next == .sign(sign) else { return false }
    index += 1
    return true
  }

  private mutating func demand(_ sign: String) throws(ConditionError) {
    guard skip(sign) else { throw ConditionError("\(sign) is missing before \(next.text)") }
  }

  private mutating func deeper<Result>(
    _ body: (inout ConditionParser) throws(ConditionError) -> Result
  ) throws(ConditionError) -> Result {
    depth += 1
    guard depth <= Condition.maximumDepth else {
      throw ConditionError("it is nested more than \(Condition.maximumDepth) deep")
    }
    let result = try body(&self)
    depth -= 1
    return result
  }

  // MARK: Logic

  private mutating func alternatives() throws(ConditionError) -> Condition.Node {
    var node = try conjunction()
    while skip("||") {
      let other = try conjunction()
      try expect(node, .boolean)
      try expect(other, .boolean)
      node = .any(node, other)
    }
    return node
  }

  private mutating func conjunction() throws(ConditionError) -> Condition.Node {
    var node = try comparison()
    while skip("&&") {
      let other = try comparison()
      try expect(node, .boolean)
      try expect(other, .boolean)
      node = .all(node, other)
    }
    return node
  }

  private mutating func comparison() throws(ConditionError) -> Condition.Node {
    let left = try unary()
    if next == .name("in") {
      index += 1
      return .among(left, try list(of: kind(left)))
    }
    guard case .sign(let sign) = next, ["==", "!=", "<", "<=", ">", ">="].contains(sign) else { return left }
    index += 1
    let right = try unary()
    guard kind(left) == kind(right) else {
      throw ConditionError("\(sign) compares \(kind(left).rawValue) with \(kind(right).rawValue)")
    }
    guard ["==", "!="].contains(sign) || kind(left) != .boolean else {
      throw ConditionError("\(sign) has no meaning for true and false")
    }
    switch sign {
    case ">": return .compare(right, .less, left)
    case ">=": return .compare(right, .atMost, left)
    default: return .compare(left, Condition.Comparison(rawValue: sign) ?? .equal, right)
    }
  }

  private mutating func list(of kind: Condition.Kind) throws(ConditionError) -> [Condition.Value] {
    try demand("[")
    var values: [Condition.Value] = []
    repeat {
      guard case .value(let value) = take(), value.kind == kind else {
        throw ConditionError("the list behind in holds something that is not \(kind.rawValue)")
      }
      values.append(value)
    } while skip(",")
    try demand("]")
    return values
  }

  private mutating func unary() throws(ConditionError) -> Condition.Node {
    guard skip("!") else { return try called() }
    let node = try deeper { (parser) throws(ConditionError) in try parser.unary() }
    try expect(node, .boolean)
    return .not(node)
  }

  // MARK: Values

  private mutating func called() throws(ConditionError) -> Condition.Node {
    let node = try primary()
    guard skip(".") else { return node }
    guard case .name(let name) = take() else { throw ConditionError("a name is missing behind a dot") }
    try expect(node, .text)
    try demand("(")
    guard case .value(.text(let argument)) = take() else {
      throw ConditionError("\(name) takes a text in quotes")
    }
    try demand(")")
    switch name {
    case "startsWith": return .test(node, .prefix(argument))
    case "endsWith": return .test(node, .suffix(argument))
    case "contains": return .test(node, .part(argument))
    case "matches":
      do throws(PatternError) {
        return .test(node, .expression(try Pattern(argument)))
      } catch {
        throw ConditionError("\(argument.debugDescription) is no expression of RE2: \(error)")
      }
    default: throw ConditionError("the function \(name) is not supported")
    }
  }

  private mutating func primary() throws(ConditionError) -> Condition.Node {
    switch take() {
    case .value(let value): return .value(value)
    case .sign("("):
      let node = try deeper { (parser) throws(ConditionError) in try parser.alternatives() }
      try demand(")")
      return node
    case .name("has"):
      try demand("(")
      guard case .name(let first) = take() else { throw ConditionError("has takes an attribute") }
      let name = try attribute(first)
      try demand(")")
      return .has(name)
    case .name("duration"):
      try demand("(")
      guard case .value(.text(let text)) = take(), let time = Self.duration(text) else {
        throw ConditionError("duration takes a text like '1.5s' or '200ms'")
      }
      try demand(")")
      return .value(.duration(time))
    case .name(let name): return .attribute(try attribute(name))
    case let token: throw ConditionError("\(token.text) is not expected")
    }
  }

  /// The attribute that begins with the name.
  private mutating func attribute(_ first: String) throws(ConditionError) -> Condition.Attribute {
    var name = first
    while index + 2 < tokens.count, next == .sign("."), case .name(let part) = tokens[index + 1],
      tokens[index + 2] != .sign("(")
    {
      name += "." + part
      index += 2
    }
    guard next != .sign("["), let attribute = Condition.Attribute(rawValue: name) else {
      let known = Condition.Attribute.allCases.map(\.rawValue).joined(separator: ", ")
      let shown = next == .sign("[") ? name + "[...]" : name
      throw ConditionError("\(shown) cannot be asked for; known are \(known)")
    }
    return attribute
  }

  private static func duration(_ text: String) -> Double? {
    let units = [("ms", 1e6), ("us", 1e3), ("ns", 1), ("s", 1e9), ("m", 6e10), ("h", 3.6e12)]
    for (unit, size) in units where text.hasSuffix(unit) {
      return Double(text.dropLast(unit.count)).map { $0 * size }
    }
    return nil
  }

  // MARK: Kinds

  private func expect(_ node: Condition.Node, _ kind: Condition.Kind) throws(ConditionError) {
    let found = self.kind(node)
    guard found == kind else {
      throw ConditionError("\(kind == .boolean ? "a condition" : "text") is expected, not \(found.rawValue)")
    }
  }

  private func kind(_ node: Condition.Node) -> Condition.Kind {
    switch node {
    case .value(let value): value.kind
    case .attribute(let attribute): attribute.kind
    case .has, .not, .all, .any, .compare, .among, .test: .boolean
    }
  }
}

extension Condition.Value {
  var kind: Condition.Kind {
    switch self {
    case .text: .text
    case .number: .number
    case .boolean: .boolean
    case .duration: .duration
    }
  }
}
