/// Collects findings while one file is read.
final class FindingSink {
  private(set) var findings: [Finding] = []
  let file: String
  /// `Kind namespace/name` of the object being read.
  var object = ""
  /// Fields that are not known are errors: in a policy, a misspelled field leaves something open.
  var isStrict = false
  /// Errors are contained in the object: see `Finding.isContained`.
  var isContained = false
  /// All errors, also those past the limit.
  private(set) var errorCount = 0

  init(file: String) { self.file = file }

  func report(
    _ code: FindingCode, _ severity: Finding.Severity, line: Int, _ message: String, remedy: String = ""
  ) {
    if severity == .error { errorCount += 1 }
    let place = Place(file: file, line: line)
    let finding = Finding(
      code, severity, object: object, at: place, message, remedy: remedy,
      isContained: isContained && severity == .error)
    // A field may be read twice.
    guard findings.count < Limits.findingsPerFile, !findings.contains(finding) else { return }
    findings.append(finding)
  }
}

/// An object being read, field by field. A field that is absent or of a wrong type reads as nil; the second
/// also leaves a finding.
struct Section {
  let entries: [YAMLNode.Entry]
  let line: Int
  /// `spec.ports[0]`; empty at the top.
  let path: String
  let sink: FindingSink

  /// Nil, with a finding, when the node is not an object.
  init?(_ node: YAMLNode, path: String, line: Int? = nil, sink: FindingSink) {
    guard case .map(let entries) = node.content else {
      let name = path.isEmpty ? "the document" : path
      sink.report(.wrongType, .error, line: node.line, "\(name) is \(node.typeName), not an object")
      return nil
    }
    self.entries = entries
    self.line = line ?? node.line
    self.path = path
    self.sink = sink
  }

  func path(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// The value, nil when absent or null.
  func value(_ key: String) -> YAMLNode? {
    entries.first { $0.key == key }?.value.nonNull
  }

  /// The line of the field, or of the object when the field is absent.
  func line(of key: String) -> Int { entries.first { $0.key == key }?.line ?? line }

  func has(_ key: String) -> Bool { value(key) != nil }

  // MARK: Findings

  func missing(_ key: String, remedy: String = "") {
    sink.report(.missingField, .error, line: line, "\(path(key)) is missing", remedy: remedy)
  }

  func invalid(_ key: String, _ why: String, remedy: String = "") {
    sink.report(.invalidValue, .error, line: line(of: key), "\(path(key)) \(why)", remedy: remedy)
  }

  /// A valid field of the kind that this version does not honour.
  func unsupported(_ key: String, _ effect: String) {
    guard has(key) else { return }
    sink.report(
      .unsupportedField, .warning, line: line(of: key), "\(path(key)) is not honoured yet: \(effect)")
  }

  /// Reports every field that is neither read nor known to be without meaning for a mesh.
  func expectOnly(_ known: Set<String>, unused: Set<String> = []) {
    for entry in entries where !known.contains(entry.key) && !unused.contains(entry.key) {
      let close = known.union(unused).filter { isNear($0, entry.key) }.min()
      sink.report(
        .unknownField, sink.isStrict ? .error : .warning, line: entry.line,
        "\(path(entry.key)) is not a field of this kind",
        remedy: close.map { "Did you mean \($0)?" } ?? "Remove it.")
    }
  }

  // MARK: Values

  func string(_ key: String) -> String? {
    value(key).flatMap { string($0, named: path(key)) }
  }

  func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    value(key).flatMap { integer($0, named: key, in: range) }
  }

  func integers(_ key: String, in range: ClosedRange<Int>) -> [Int] {
    list(key).enumerated().compactMap { integer($1, named: "\(key)[\($0)]", in: range) }
  }

  private func integer(_ node: YAMLNode, named key: String, in range: ClosedRange<Int>) -> Int? {
    guard case .scalar(let text, isPlain: true) = node.content, let number = Int(text) else {
      wrongType(node, path(key), "a whole number")
      return nil
    }
    guard range.contains(number) else {
      invalid(key, "is \(number), which is not in \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return number
  }

  func boolean(_ key: String) -> Bool? {
    guard let node = value(key) else { return nil }
    if case .scalar(let text, isPlain: true) = node.content, let value = YAMLNode.boolean(text) {
      return value
    }
    wrongType(node, path(key), "true or false")
    return nil
  }

  func section(_ key: String) -> Section? {
    value(key).flatMap { Section($0, path: path(key), line: line(of: key), sink: sink) }
  }

  func list(_ key: String) -> [YAMLNode] {
    guard let node = value(key) else { return [] }
    guard case .list(let elements) = node.content else {
      wrongType(node, path(key), "a list")
      return []
    }
    return elements
  }

  func sections(_ key: String) -> [Section] {
    list(key).enumerated().compactMap { Section($1, path: "\(path(key))[\($0)]", sink: sink) }
  }

  func strings(_ key: String) -> [String] {
    list(key).enumerated().compactMap { string($1, named: "\(path(key))[\($0)]") }
  }

  /// Labels and their like: text to text.
  func stringMap(_ key: String) -> [String: String] {
    guard let section = section(key) else { return [:] }
    var map: [String: String] = [:]
    for entry in section.entries {
      if entry.value.isNull { map[entry.key] = "" }
      map[entry.key] =
        entry.value.nonNull.flatMap { string($0, named: section.path(entry.key)) } ?? map[entry.key]
    }
    return map
  }

  private func string(_ node: YAMLNode, named name: String) -> String? {
    guard case .scalar(let text, let isPlain) = node.content else {
      wrongType(node, name, "text")
      return nil
    }
    if isPlain, YAMLNode.boolean(text) != nil || YAMLNode.isNumber(text) {
      wrongType(node, name, "text", remedy: "Put it in quotes: \"\(text)\".")
      return nil
    }
    return text
  }

  func wrongType(_ node: YAMLNode, _ name: String, _ wanted: String, remedy: String = "") {
    sink.report(
      .wrongType, .error, line: node.line, "\(name) is \(node.typeName), not \(wanted)", remedy: remedy)
  }
}

extension YAMLNode {
  fileprivate var nonNull: YAMLNode? { isNull ? nil : self }
}

/// True when one letter was added, dropped, changed or swapped with its neighbour, or only the case differs.
private func isNear(_ left: String, _ right: String) -> Bool {
  if left.lowercased() == right.lowercased() { return true }
  let (a, b) = (Array(left.utf8), Array(right.utf8))
  guard abs(a.count - b.count) <= 1, min(a.count, b.count) > 2 else { return false }
  let head = zip(a, b).prefix { $0 == $1 }.count
  let tail = zip(a.dropFirst(head).reversed(), b.dropFirst(head).reversed()).prefix { $0 == $1 }.count
  let (restA, restB) = (a.count - head - tail, b.count - head - tail)
  if restA == 2, restB == 2 { return a[head] == b[head + 1] && a[head + 1] == b[head] }
  return max(restA, restB) <= 1
}
