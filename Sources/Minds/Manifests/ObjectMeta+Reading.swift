extension ObjectMeta {
  /// Reads `metadata`; nil, with a finding, when the object cannot be named.
  init?(reading object: Section, kind: String, isNamespaced: Bool) {
    guard let metadata = object.section("metadata") else {
      if !object.has("metadata") {
        object.sink.report(.unnamed, .error, line: object.line, "the \(kind) has no metadata")
      }
      return nil
    }
    metadata.expectOnly(
      [
        "name", "namespace", "labels", "annotations", "uid", "creationTimestamp", "deletionTimestamp",
        "ownerReferences",
      ],
      unused: [
        "resourceVersion", "generation", "managedFields", "finalizers", "selfLink", "generateName",
        "deletionGracePeriodSeconds",
      ])
    guard let name = metadata.string("name") else {
      if !metadata.has("name") {
        object.sink.report(.unnamed, .error, line: metadata.line, "the \(kind) has no metadata.name")
      }
      return nil
    }
    let namespace = isNamespaced ? metadata.string("namespace") ?? "default" : ""
    self.init(
      kind: kind, name: name, namespace: namespace, place: Place(file: object.sink.file, line: object.line))
    object.sink.object = title
    guard Self.isName(name) else {
      metadata.invalid("name", "\(name.debugDescription) is not a name (a-z 0-9 - . and at most 253 letters)")
      return nil
    }
    guard namespace.isEmpty || Self.isLabel(namespace) else {
      metadata.invalid(
        "namespace", "\(namespace.debugDescription) is not a name (a-z 0-9 - and at most 63 letters)")
      return nil
    }
    labels = metadata.stringMap("labels")
    annotations = metadata.stringMap("annotations")
    uid = metadata.string("uid") ?? ""
    created = metadata.string("creationTimestamp") ?? ""
    isTerminating = metadata.has("deletionTimestamp")
    if let owner = metadata.sections("ownerReferences").first,
      let kind = owner.string("kind"), let name = owner.string("name")
    {
      self.owner = Owner(kind: kind, name: name)
    }
  }

  /// RFC 1123 subdomain, as Kubernetes takes it for most kinds.
  static func isName(_ text: String) -> Bool {
    text.utf8.count <= 253
      && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { isLabel($0, longest: 253) }
  }

  /// RFC 1123 label.
  static func isLabel(_ text: some StringProtocol, longest: Int = 63) -> Bool {
    guard (1...longest).contains(text.utf8.count) else { return false }
    return text.first != "-" && text.last != "-"
      && text.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
      }
  }
}
