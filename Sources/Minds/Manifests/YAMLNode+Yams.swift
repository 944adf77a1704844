import Yams

extension YAMLNode {
  /// Every document of the text, until the end or the first error; documents before an error are kept.
  static func documents(of text: String) -> (documents: [YAMLNode], error: YAMLFailure?) {
    var documents: [YAMLNode] = []
    var budget = Limits.nodesPerFile
    do {
      let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
      while let root = try parser.nextRoot() {
        documents.append(try YAMLNode(root, depth: 0, &budget))
      }
    } catch let error as YAMLFailure {
      return (documents, error)
    } catch {
      return (documents, YAMLFailure(error, in: text))
    }
    return (documents, nil)
  }

  /// `budget` counts the values still allowed: aliases may name one value any number of times.
  private init(_ node: Node, depth: Int, _ budget: inout Int) throws(YAMLFailure) {
    let line = node.mark?.line ?? 1
    budget -= 1
    guard budget > 0 else {
      throw YAMLFailure(
        line: line, message: "the file holds more than \(Limits.nodesPerFile) values", isLimit: true)
    }
    guard depth < Limits.depth else {
      throw YAMLFailure(line: line, message: "values are nested deeper than \(Limits.depth)", isLimit: true)
    }
    self.line = line
    switch node {
    case .scalar(let scalar):
      let isPlain = scalar.style == .plain && scalar.tag.description != Tag.Name.str.rawValue
      content =
        isPlain && Self.isNull(scalar.string) ? .null : .scalar(scalar.string, isPlain: isPlain)
    case .sequence(let sequence):
      var list: [YAMLNode] = []
      for element in sequence { list.append(try YAMLNode(element, depth: depth + 1, &budget)) }
      content = .list(list)
    case .mapping(let mapping):
      var entries: [Entry] = []
      for (key, value) in mapping {
        guard let name = key.scalar?.string else {
          throw YAMLFailure(line: key.mark?.line ?? line, message: "a key is not text")
        }
        let converted = try YAMLNode(value, depth: depth + 1, &budget)
        entries.append(Entry(key: name, line: key.mark?.line ?? line, value: converted))
      }
      content = .map(entries)
    case .alias:
      // Yams replaces aliases while it composes.
      content = .null
    }
  }
}

/// Why a text could not be read, and on which line.
struct YAMLFailure: Error {
  var line: Int
  var message: String
  var isLimit = false

  init(line: Int, message: String, isLimit: Bool = false) {
    self.line = line
    self.message = message
    self.isLimit = isLimit
  }

  init(_ error: any Error, in text: String) {
    switch error as? YamlError {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      // A quote or bracket left open is found at the end of the text; where it was opened is what helps.
      let isOpen = problem.contains("end of stream")
      let about = context.map { " \($0.text)" } ?? ""
      self.init(line: isOpen ? context?.mark.line ?? mark.line : mark.line, message: "\(problem)\(about)")
    case .reader(let problem, let offset, _, _):
      let line = offset.map { 1 + text.prefix($0).count { $0.isNewline } } ?? 1
      self.init(line: line, message: problem)
    case .duplicatedKeysInMapping(let duplicates, let context):
      let names = duplicates.map { "'\($0)'" }.joined(separator: ", ")
      self.init(line: context.mark.line, message: "the key \(names) is given twice")
    default:
      self.init(line: 1, message: "\(error)")
    }
  }
}
