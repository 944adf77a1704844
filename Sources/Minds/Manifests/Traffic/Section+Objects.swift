/// What every object of traffic has.
extension Section {
  /// Reads `spec`; false when a part of the object could not be read, with a finding. The errors are
  /// contained: such an object is not in force, and its earlier version stays where there is one.
  func isReadWhole(_ read: (Section) -> Void) -> Bool {
    let errors = sink.errorCount
    sink.isStrict = true
    sink.isContained = true
    defer { sink.isContained = false }
    expectOnly(["apiVersion", "kind", "metadata", "spec"], unused: ["status"])
    if let spec = section("spec") { read(spec) } else if !has("spec") { missing("spec") }
    return sink.errorCount == errors
  }

  /// `exportTo`: `.`, `*`, `~` or names of namespaces.
  func exportTo() -> [String] {
    let names = strings("exportTo")
    for name in names where ![".", "*", "~"].contains(name) && !ObjectMeta.isLabel(name) {
      invalid("exportTo", "names \(name.debugDescription)", remedy: "Use \".\", \"*\" or a namespace.")
    }
    return names
  }
}

/// The names by which rules speak of services.
enum HostName {
  /// Why a text is no host; nil for one that is: a name, or a pattern that begins with `*`.
  static func fault(of text: String) -> String? {
    if text == "*" { return nil }
    let name = text.hasPrefix("*.") ? String(text.dropFirst(2)) : text
    return ObjectMeta.isName(name) ? nil : "\(text.debugDescription) is not the name of a host"
  }

  /// Visible in a namespace to those of another.
  static func isVisible(_ exportTo: [String], from home: String, in namespace: String) -> Bool {
    guard !exportTo.isEmpty, !exportTo.contains("*") else { return true }
    return exportTo.contains(namespace) || (exportTo.contains(".") && home == namespace)
  }
}
