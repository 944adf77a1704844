/// The words of a condition.
enum ConditionToken: Hashable {
  case name(String)
  case value(Condition.Value)
  case sign(String)
  case end

  /// As a message says it.
  var text: String {
    switch self {
    case .name(let name): name
    case .value(.text(let text)): "'\(text)'"
    case .value(.number(let number)), .value(.duration(let number)): "\(number)"
    case .value(.boolean(let truth)): "\(truth)"
    case .sign(let sign): sign
    case .end: "the end"
    }
  }

  private static let signs = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", ",", ".",
  ]

  /// All tokens of the text, and `end`.
  static func read(_ text: String) throws(ConditionError) -> [ConditionToken] {
    var tokens: [ConditionToken] = []
    var rest = Substring(text)
    while let first = rest.first {
      if first.isWhitespace {
        rest.removeFirst()
      } else if first == "'" || first == "\"" {
        tokens.append(.value(.text(try quoted(&rest))))
      } else if first.isASCII, first.isNumber {
        let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let number = Double(digits) else { throw ConditionError("\(digits) is no number") }
        tokens.append(.value(.number(number)))
        rest = rest.dropFirst(digits.count)
      } else if first.isASCII, first.isLetter || first == "_" {
        let word = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        rest = rest.dropFirst(word.count)
        switch word {
        case "true": tokens.append(.value(.boolean(true)))
        case "false": tokens.append(.value(.boolean(false)))
        default: tokens.append(.name(String(word)))
        }
      } else if let sign = signs.first(where: rest.hasPrefix) {
        tokens.append(.sign(sign))
        rest = rest.dropFirst(sign.count)
      } else {
        throw ConditionError("\(String(first).debugDescription) is not supported")
      }
    }
    return tokens + [.end]
  }

  private static func quoted(_ rest: inout Substring) throws(ConditionError) -> String {
    let quote = rest.removeFirst()
    var text = ""
    while let next = rest.popFirst() {
      if next == quote { return text }
      guard next == "\\" else {
        text.append(next)
        continue
      }
      switch rest.popFirst() {
      case let escaped? where "\\'\"".contains(escaped): text.append(escaped)
      case "n": text.append("\n")
      case "t": text.append("\t")
      case let other: throw ConditionError("the escape \\\(other.map(String.init) ?? "") is not supported")
      }
    }
    throw ConditionError("a quote is not closed")
  }
}
