/// A YAML value without where and how it was written, to compare what two texts say.
indirect enum PlainTree: Hashable {
  case null
  case scalar(String, isText: Bool)
  case list([PlainTree])
  case map([String: PlainTree])

  init(_ node: YAMLNode) {
    switch node.content {
    case .null: self = .null
    case .scalar(let text, _): self = .scalar(text, isText: node.typeName == "text")
    case .list(let items): self = .list(items.map(PlainTree.init))
    case .map(let entries):
      self = .map(Dictionary(entries.map { ($0.key, PlainTree($0.value)) }) { $1 })
    }
  }

  /// Makes the edit; false when the object is not in here.
  mutating func apply(_ edit: MetadataEdit) -> Bool {
    change(edit) { entries in
      entries[edit.key] = edit.value.map { .scalar($0, isText: true) }
    }
  }

  /// A map without entries counts as none.
  mutating func tidy(_ edit: MetadataEdit) { _ = change(edit) { _ in } }

  private mutating func change(_ edit: MetadataEdit, _ body: (inout [String: PlainTree]) -> Void) -> Bool {
    guard case .map(var object) = self, case .scalar(let kind, _)? = object["kind"] else { return false }
    if kind.hasSuffix("List"), case .list(var items)? = object["items"] {
      guard items.indices.contains(where: { items[$0].change(edit, body) }) else { return false }
      object["items"] = .list(items)
      self = .map(object)
      return true
    }
    guard kind == edit.kind, case .map(var metadata)? = object["metadata"],
      metadata["name"]?.text == edit.name,
      edit.namespace.isEmpty || (metadata["namespace"]?.text ?? "default") == edit.namespace
    else { return false }
    var entries: [String: PlainTree] = [:]
    if case .map(let present)? = metadata[edit.part.rawValue] { entries = present }
    body(&entries)
    metadata[edit.part.rawValue] = entries.isEmpty ? nil : .map(entries)
    object["metadata"] = .map(metadata)
    self = .map(object)
    return true
  }

  private var text: String? { if case .scalar(let text, _) = self { text } else { nil } }
}
