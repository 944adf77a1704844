extension PeerAuthenticationObject {
  /// Nil when any part cannot be read: half a policy is none.
  init?(reading object: Section, meta: ObjectMeta) {
    self.init(meta: meta)
    guard let spec = object.section("spec") else {
      // Istio takes an absent spec for UNSET; a spec of a wrong type has left its finding.
      if object.has("spec") { return nil }
      return
    }
    spec.expectOnly(["selector", "mtls", "portLevelMtls"])
    var isWhole = true
    if let selector = spec.section("selector") {
      selector.expectOnly(["matchLabels"])
      let labels = selector.stringMap("matchLabels")
      self.selector = labels.isEmpty ? nil : labels
      isWhole = isWhole && selector.section("matchLabels")?.entries.count ?? 0 == labels.count
    } else {
      isWhole = !spec.has("selector")
    }
    if let mode = Self.mode(in: spec, "mtls") { self.mode = mode } else { isWhole = false }
    if let ports = spec.section("portLevelMtls") {
      for entry in ports.entries {
        guard let port = UInt16(entry.key), port > 0 else {
          ports.invalid(entry.key, "is not a port")
          isWhole = false
          continue
        }
        if let mode = Self.mode(in: ports, entry.key) { portModes[port] = mode } else { isWhole = false }
      }
    } else if spec.has("portLevelMtls") {
      isWhole = false
    }
    guard isWhole else { return nil }
  }

  /// `{mode: STRICT}` under the key; UNSET when absent, nil when it cannot be read.
  private static func mode(in section: Section, _ key: String) -> Mode? {
    guard section.has(key) else { return .unset }
    guard let mtls = section.section(key) else { return nil }
    mtls.expectOnly(["mode"])
    guard mtls.has("mode") else { return .unset }
    guard let text = mtls.string("mode") else { return nil }
    guard let mode = Mode(rawValue: text) else {
      mtls.invalid(
        "mode", "\(text.debugDescription) is no mode",
        remedy: "Use one of \(Mode.allCases.map(\.rawValue).joined(separator: ", ")).")
      return nil
    }
    return mode
  }
}
