import Yams

/// Sets or removes one label or annotation of an object in a manifest, and leaves every other character as it
/// was: comments, order, quotes.
///
/// The text is changed where the parser says that the object stands, and then read again: unless it says the
/// same but for that one entry, it is not handed out.
public struct MetadataEdit: Hashable, Sendable {
  /// A map of `metadata`.
  public enum Part: String, Hashable, Sendable { case labels, annotations }

  public var kind: String
  /// Empty for kinds that have none.
  public var namespace: String
  public var name: String
  public var part: Part
  public var key: String
  /// Nil removes the entry.
  public var value: String?

  public init(
    kind: String, namespace: String, name: String, _ part: Part, _ key: String, to value: String?
  ) {
    self.kind = kind
    self.namespace = namespace
    self.name = name
    self.part = part
    self.key = key
    self.value = value
  }

  /// What became of a text.
  public enum Outcome: Hashable, Sendable {
    /// The object is not in this text.
    case absent
    /// It was so before; the line of the object's metadata.
    case unchanged(line: Int)
    /// The new text, and the line that was written or removed.
    case changed(String, line: Int)
  }

  /// - Throws: when the text cannot be read, or is written in a form that cannot be edited safely.
  public func apply(to text: String) throws(MetadataEditError) -> Outcome {
    var roots: [Node] = []
    do {
      let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
      while let root = try parser.nextRoot() { roots.append(root) }
    } catch {
      let failure = YAMLFailure(error, in: text)
      throw MetadataEditError(line: failure.line, "it cannot be read: \(failure.message)")
    }
    guard let metadata = roots.lazy.compactMap({ find(in: $0) }).first else { return .absent }
    var source = SourceText(text)
    let line = metadata.mark?.line ?? 1
    let written = try edit(&source, metadata)
    guard let written else { return .unchanged(line: line) }
    let changed = source.text
    guard isOnlyChange(from: text, to: changed) else {
      throw MetadataEditError(
        line: line, "its metadata is written in a form that cannot be edited without a risk to the rest")
    }
    return .changed(changed, line: written)
  }

  // MARK: Finding

  /// The value of `metadata` of the object, which may be an item of a List.
  private func find(in root: Node) -> Node? {
    guard let mapping = root.mapping else { return nil }
    if let items = mapping["items"]?.sequence, mapping["kind"]?.scalar?.string.hasSuffix("List") == true {
      return items.lazy.compactMap { find(in: $0) }.first
    }
    guard mapping["kind"]?.scalar?.string == kind, let metadata = mapping["metadata"],
      let fields = metadata.mapping,
      fields["name"]?.scalar?.string == name,
      namespace.isEmpty || (fields["namespace"]?.scalar?.string ?? "default") == namespace
    else { return nil }
    return metadata
  }

  // MARK: Editing

  /// The line that was written or removed; nil when there is nothing to do.
  private func edit(_ source: inout SourceText, _ metadata: Node) throws(MetadataEditError) -> Int? {
    guard let fields = metadata.mapping, let first = fields.first?.key.mark else { return nil }
    // As JSON is written, so that JSON stays what it is.
    let isQuoted = source.isQuoted(line: first.line, column: first.column)
    guard let (partKey, partNode) = fields.first(where: { $0.key.scalar?.string == part.rawValue }) else {
      guard value != nil else { return nil }
      return try addPart(to: &source, fields, isFlow: source.isFlow(metadata), isQuoted)
    }
    guard let entries = partNode.mapping else {
      // `annotations:` with nothing behind it.
      guard value != nil else { return nil }
      guard YAMLNode.isNull(partNode.scalar?.string ?? "-"), let mark = partKey.mark,
        !source.isFlow(metadata)
      else {
        throw MetadataEditError(line: partKey.mark?.line ?? 1, "\(part.rawValue) is no map")
      }
      let margin = String(repeating: " ", count: mark.column + 1)
      source.insertLine(before: mark.line + 1, margin + entry(isQuoted))
      return mark.line + 1
    }
    guard let (oldKey, oldValue) = entries.first(where: { $0.key.scalar?.string == key }) else {
      guard value != nil else { return nil }
      return try add(to: &source, entries, partNode, isQuoted)
    }
    guard let keyMark = oldKey.mark, let valueMark = oldValue.mark, let old = oldValue.scalar else {
      throw MetadataEditError(line: oldKey.mark?.line ?? 1, "the value of \(key) is no text")
    }
    guard let value else {
      let isFlow = source.isFlow(partNode)
      return try remove(
        &source, (keyMark, valueMark), isFlow: isFlow, isLast: entries.count == 1, of: partKey)
    }
    guard old.string != value else { return nil }
    let range = try token(source, at: valueMark, isFlow: source.isFlow(partNode))
    source.replace(line: valueMark.line, range, with: isQuoted ? JSONQuote.text(value) : scalar(value))
    return valueMark.line
  }

  private func add(
    to source: inout SourceText, _ entries: Node.Mapping, _ node: Node, _ isQuoted: Bool
  ) throws(MetadataEditError) -> Int {
    guard let mark = entries.first?.key.mark ?? node.mark else { throw Self.misplaced }
    if entries.isEmpty {
      // Behind the opening brace.
      source.insert(line: mark.line, column: mark.column + 1, entry(isQuoted))
    } else if source.isFlow(node) {
      source.insert(line: mark.line, column: mark.column, entry(isQuoted) + ", ")
    } else {
      source.insertLine(
        before: mark.line, String(repeating: " ", count: mark.column - 1) + entry(isQuoted))
    }
    return mark.line
  }

  /// A map of its own, behind what names the object.
  private func addPart(
    to source: inout SourceText, _ fields: Node.Mapping, isFlow: Bool, _ isQuoted: Bool
  ) throws(MetadataEditError) -> Int {
    let naming = fields.filter { ["name", "namespace"].contains($0.key.scalar?.string) }
    // The later of the two, as they are written.
    guard let last = naming.last, let keyMark = last.key.mark, let valueMark = last.value.mark else {
      throw Self.misplaced
    }
    if isFlow {
      let end = try token(source, at: valueMark, isFlow: true).upperBound
      let name = isQuoted ? JSONQuote.text(part.rawValue) : part.rawValue
      source.insert(line: valueMark.line, column: end + 1, ", \(name): {\(entry(isQuoted))}")
      return valueMark.line
    }
    let margin = String(repeating: " ", count: keyMark.column - 1)
    source.insertLine(before: valueMark.line + 1, margin + "\(part.rawValue):")
    source.insertLine(before: valueMark.line + 2, margin + "  " + entry(isQuoted))
    return valueMark.line + 2
  }

  private func remove(
    _ source: inout SourceText, _ marks: (key: Mark, value: Mark), isFlow: Bool, isLast: Bool, of part: Node
  ) throws(MetadataEditError) -> Int {
    let line = marks.key.line
    let range = try token(source, at: marks.value, isFlow: isFlow)
    guard line == marks.value.line else { throw MetadataEditError(line: line, "\(key) takes several lines") }
    if isFlow {
      source.removeFlowEntry(line: line, marks.key.column - 1..<range.upperBound)
      return line
    }
    guard source.isAlone(line: line, from: marks.key.column - 1) else {
      throw MetadataEditError(line: line, "\(key) shares its line with something else")
    }
    source.removeLine(line)
    // A map without entries is none.
    if isLast, let mark = part.mark, source.isBareKey(line: mark.line) {
      source.removeLine(mark.line)
    }
    return line
  }

  private static let misplaced = MetadataEditError(line: 1, "where it stands is not known")

  // MARK: Writing

  private func entry(_ isQuoted: Bool) -> String {
    let value = value ?? ""
    return isQuoted
      ? "\(JSONQuote.text(key)): \(JSONQuote.text(value))" : "\(key): \(scalar(value))"
  }

  /// Quoted unless no reader could take it for anything else than text.
  private func scalar(_ text: String) -> String {
    let isPlain =
      !text.isEmpty && text.utf8.allSatisfy { (0x61...0x7a).contains($0) || $0 == 0x2d }
      && text.first != "-" && YAMLNode.boolean(text) == nil && !YAMLNode.isNull(text)
    return isPlain ? text : JSONQuote.text(text)
  }

  private func token(
    _ source: SourceText, at mark: Mark, isFlow: Bool
  ) throws(MetadataEditError) -> Range<Int> {
    guard let range = source.scalar(line: mark.line, column: mark.column, isFlow: isFlow) else {
      throw MetadataEditError(line: mark.line, "a value takes several lines")
    }
    return range
  }

  // MARK: Proving

  /// Read again, both texts say the same but for the entry.
  private func isOnlyChange(from old: String, to new: String) -> Bool {
    let before = YAMLNode.documents(of: old)
    let after = YAMLNode.documents(of: new)
    guard before.error == nil, after.error == nil, before.documents.count == after.documents.count else {
      return false
    }
    var wanted = before.documents.map(PlainTree.init)
    var found = after.documents.map(PlainTree.init)
    guard let index = wanted.indices.first(where: { wanted[$0].apply(self) }) else { return false }
    found[index].tidy(self)
    return wanted == found
  }
}

/// Why a manifest is not edited: the line and one clause.
public struct MetadataEditError: Error, Hashable, Sendable {
  /// Counted from 1.
  public let line: Int
  public let reason: String

  public init(line: Int, _ reason: String) {
    self.line = line
    self.reason = reason
  }
}
