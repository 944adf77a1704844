extension AuthorizationPolicyObject {
  /// The most rules of one policy, as the kind's schema has it.
  static let maximumRules = 512
  /// The most entries of `serviceAccounts`.
  static let maximumAccounts = 16
  static let dryRunAnnotation = "istio.io/dry-run"

  /// Never fails: a policy of which a part cannot be read is marked, and closed by who compiles it.
  init(reading object: Section, meta: ObjectMeta) {
    self.init(meta: meta)
    let sink = object.sink
    let errors = sink.errorCount
    sink.isStrict = true
    sink.isContained = true
    object.expectOnly(["apiVersion", "kind", "metadata", "spec"], unused: ["status"])
    isDryRun = Self.isDryRun(object, meta)
    if let spec = object.section("spec") { read(spec) }
    isWhole = sink.errorCount == errors
    sink.isContained = false
  }

  private static func isDryRun(_ object: Section, _ meta: ObjectMeta) -> Bool {
    guard let text = meta.annotations[dryRunAnnotation] else { return false }
    switch text {
    case "true", "True", "TRUE", "t", "T", "1": return true
    case "false", "False", "FALSE", "f", "F", "0": return false
    default:
      object.section("metadata")?.section("annotations")?.invalid(
        dryRunAnnotation, "\(text.debugDescription) is neither \"true\" nor \"false\"")
      return false
    }
  }

  private mutating func read(_ spec: Section) {
    spec.expectOnly(["selector", "targetRef", "targetRefs", "action", "provider", "rules"])
    readAction(spec)
    (selector, targets) = Self.binding(spec)
    let entries = spec.list("rules")
    if entries.count > Self.maximumRules {
      spec.invalid("rules", "has \(entries.count) entries, more than \(Self.maximumRules)")
    }
    if entries.isEmpty, action != .allow {
      let remedy =
        action == .audit ? "Say in spec.rules what to mark." : "`rules: [{}]` matches every connection."
      spec.sink.report(
        .neverMatches, .error, line: spec.line(of: "action"),
        "a policy with action \(action.rawValue) and without rules never matches", remedy: remedy)
    }
    rules = spec.sections("rules").prefix(Self.maximumRules).map { Rule(reading: $0) }
  }

  private mutating func readAction(_ spec: Section) {
    if let text = spec.string("action") {
      if let action = Action(rawValue: text) {
        self.action = action
      } else {
        spec.invalid(
          "action", "\(text.debugDescription) is no action",
          remedy: "Use one of \(Action.allCases.map(\.rawValue).joined(separator: ", ")).")
      }
    }
    if let provider = spec.section("provider") {
      provider.expectOnly(["name"])
      if provider.string("name") == nil, !provider.has("name") { provider.missing("name") }
      if action == .allow || action == .deny {
        spec.invalid(
          "provider", "has no part in a policy with action \(action.rawValue)", remedy: "Remove it.")
      }
    } else if action == .custom, !spec.has("provider") {
      spec.missing("provider", remedy: "Name who decides: provider: {name: NAME}.")
    }
  }

  // MARK: Binding

  /// `selector`, `targetRef` and `targetRefs`: a selector is nil, and there is no target, where all of the
  /// namespace is bound.
  static func binding(_ spec: Section) -> (selector: [String: String]?, targets: [Target]) {
    let errors = spec.sink.errorCount
    var selector: [String: String]?
    var targets: [Target] = []
    if let section = spec.section("selector") {
      section.expectOnly(["matchLabels"])
      let labels = section.stringMap("matchLabels")
      for (key, value) in labels.sorted(by: { $0.key < $1.key }) where key.isEmpty || value.contains("*") {
        section.section("matchLabels")?.invalid(
          key, "is not a label to select by", remedy: "Labels are compared whole; * has no meaning here.")
      }
      selector = labels.isEmpty ? nil : labels
    }
    if let one = spec.section("targetRef") { targets += [Target(reading: one)].compactMap(\.self) }
    targets += spec.sections("targetRefs").compactMap { Target(reading: $0) }
    if targets.count > 16 { spec.invalid("targetRefs", "has more than 16 entries") }
    for (one, other) in [("selector", "targetRefs"), ("selector", "targetRef"), ("targetRef", "targetRefs")]
    where spec.has(one) && spec.has(other) {
      spec.invalid(other, "excludes \(spec.path(one))", remedy: "Keep one of the two.")
    }
    // Whom it binds is not known, so it is taken to bind the whole namespace.
    return spec.sink.errorCount > errors ? (nil, []) : (selector, targets)
  }
}

extension AuthorizationPolicyObject.Target {
  private init?(_ section: Section, _ kind: String, _ name: String) {
    self.init(kind: kind, name: name, path: section.path, line: section.line)
  }

  init?(reading section: Section) {
    section.expectOnly(["group", "kind", "name", "namespace"])
    for key in ["kind", "name"] where !section.has(key) { section.missing(key) }
    guard let kind = section.string("kind"), let name = section.string("name") else { return nil }
    let groups = [
      "Gateway": "gateway.networking.k8s.io", "GatewayClass": "gateway.networking.k8s.io", "Service": "",
      "ServiceEntry": "networking.istio.io",
    ]
    guard let group = groups[kind] else {
      section.invalid(
        "kind", "\(kind.debugDescription) cannot be a target",
        remedy: "Use Service, Gateway, ServiceEntry or GatewayClass.")
      return nil
    }
    let written = section.string("group") ?? ""
    guard written == group || (kind == "Service" && written == "core") else {
      section.invalid("group", "is \(written.debugDescription), and \(kind) is of \(group.debugDescription)")
      return nil
    }
    if section.has("namespace") {
      section.invalid("namespace", "cannot be given", remedy: "A target is in the policy's own namespace.")
      return nil
    }
    self.init(section, kind, name)
  }
}
