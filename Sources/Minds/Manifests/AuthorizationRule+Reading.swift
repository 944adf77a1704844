extension AuthorizationPolicyObject.Rule {
  init(reading rule: Section) {
    self.init(line: rule.line)
    rule.expectOnly(["from", "to", "when"])
    sources = Self.alternatives(rule, "from", "source", AuthorizationPolicyObject.Term.ofSource)
    operations = Self.alternatives(rule, "to", "operation", AuthorizationPolicyObject.Term.ofOperation)
    if rule.has("when"), rule.list("when").isEmpty { Self.isEmpty(rule, "when") }
    conditions = rule.sections("when").compactMap { AuthorizationPolicyObject.Term(condition: $0) }
  }

  /// `from` and `to`: lists of objects with one field, the conjunction.
  private static func alternatives(
    _ rule: Section, _ key: String, _ inner: String, _ fields: [String: AuthorizationPolicyObject.Attribute]
  ) -> [[AuthorizationPolicyObject.Term]] {
    guard rule.has(key) else { return [] }
    if rule.list(key).isEmpty { isEmpty(rule, key) }
    return rule.sections(key).map { entry in
      entry.expectOnly([inner])
      guard let section = entry.section(inner) else {
        if !entry.has(inner) { entry.missing(inner, remedy: "To match all, leave \(key) out.") }
        return []
      }
      section.expectOnly(Set(fields.keys).union(fields.keys.map(negated)))
      let terms = fields.sorted { $0.key < $1.key }.compactMap {
        AuthorizationPolicyObject.Term(section, $0.key, $0.value)
      }
      if terms.isEmpty {
        section.sink.report(
          .missingField, .error, line: section.line, "\(section.path) is empty",
          remedy: "Name an attribute; to match all, leave \(key) out.")
      }
      if section.has("serviceAccounts") || section.has("notServiceAccounts") {
        for other in ["principals", "notPrincipals", "namespaces", "notNamespaces"] where section.has(other) {
          section.invalid(
            other, "cannot be combined with serviceAccounts", remedy: "An account names its namespace.")
        }
      }
      return terms
    }
  }

  private static func isEmpty(_ rule: Section, _ key: String) {
    rule.sink.report(
      .missingField, .error, line: rule.line(of: key), "\(rule.path(key)) is an empty list",
      remedy: "Leave it out to match all, or leave the rule out to match nothing.")
  }

  fileprivate static func negated(_ key: String) -> String {
    "not" + key.prefix(1).uppercased() + key.dropFirst()
  }
}

extension AuthorizationPolicyObject.Term {
  static let ofSource: [String: AuthorizationPolicyObject.Attribute] = [
    "principals": .principal, "namespaces": .namespace, "serviceAccounts": .serviceAccount,
    "ipBlocks": .sourceIP, "trustDomains": .trustDomain, "requestPrincipals": .request,
    "remoteIpBlocks": .request,
  ]
  static let ofOperation: [String: AuthorizationPolicyObject.Attribute] = [
    "ports": .destinationPort, "hosts": .request, "methods": .request, "paths": .request,
  ]
  private static let ofConnection: [String: AuthorizationPolicyObject.Attribute] = [
    "source.ip": .sourceIP, "source.namespace": .namespace, "source.principal": .principal,
    "source.serviceAccount": .serviceAccount, "source.trustDomain": .trustDomain,
    "destination.ip": .destinationIP, "destination.port": .destinationPort,
  ]
  private static let ofRequests: Set<String> = [
    "remote.ip", "request.auth.principal", "request.auth.audiences", "request.auth.presenter",
    "connection.sni",
  ]

  /// A field of a source or operation and its `not` twin; nil when both say nothing.
  init?(_ section: Section, _ key: String, _ attribute: AuthorizationPolicyObject.Attribute) {
    let twin = AuthorizationPolicyObject.Rule.negated(key)
    guard section.has(key) || section.has(twin) else { return nil }
    self.init(
      attribute: attribute, path: section.path(section.has(key) ? key : twin),
      line: section.line(of: section.has(key) ? key : twin))
    values = read(section, key)
    unwanted = read(section, twin)
    if attribute == .serviceAccount,
      max(values.count, unwanted.count) > AuthorizationPolicyObject.maximumAccounts
    {
      section.invalid(key, "has more than \(AuthorizationPolicyObject.maximumAccounts) entries")
    }
    guard !values.isEmpty || !unwanted.isEmpty else { return nil }
  }

  /// An entry of `when`.
  init?(condition section: Section) {
    section.expectOnly(["key", "values", "notValues"])
    guard let key = section.string("key") else {
      if !section.has("key") { section.missing("key") }
      return nil
    }
    guard let attribute = Self.ofConnection[key] ?? (Self.isOfRequests(key) ? .request : nil) else {
      section.sink.report(
        .unknownCondition, .error, line: section.line(of: "key"),
        "\(section.path("key")) \(key.debugDescription) is not an attribute",
        remedy: "Use one of \(Self.ofConnection.keys.sorted().joined(separator: ", ")).")
      return nil
    }
    self.init(attribute: attribute, path: "\(section.path) (\(key))", line: section.line(of: "key"))
    values = read(section, "values")
    unwanted = read(section, "notValues")
    if values.isEmpty, unwanted.isEmpty {
      section.sink.report(
        .missingField, .error, line: section.line, "\(section.path) has neither values nor notValues")
    }
  }

  private static func isOfRequests(_ key: String) -> Bool {
    if ofRequests.contains(key) { return true }
    return ["request.headers[", "request.auth.claims[", "experimental.envoy.filters."].contains {
      key.hasPrefix($0) && key.utf8.count > $0.utf8.count && (!$0.hasSuffix("[") || key.hasSuffix("]"))
    }
  }

  private func read(_ section: Section, _ key: String) -> [String] {
    guard section.has(key) else { return [] }
    let values = section.strings(key)
    if section.list(key).isEmpty {
      section.sink.report(
        .emptyList, .warning, line: section.line(of: key),
        "\(section.path(key)) is an empty list, which says nothing",
        remedy: "Remove it, or name what it should hold.")
    }
    for value in values {
      let isPath = key == "paths" || key == "notPaths"
      guard
        let fault = AttributeValue.fault(of: value, attribute)
          ?? (isPath ? PathTemplate.fault(of: value) : nil)
      else { continue }
      section.invalid(key, "\(value.debugDescription) \(fault.why)", remedy: fault.remedy)
    }
    return values
  }
}
