import HTTPModel

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
    "ipBlocks": .sourceIP, "trustDomains": .trustDomain, "requestPrincipals": .tokenPrincipal,
    "remoteIpBlocks": .remoteIP,
  ]
  static let ofOperation: [String: AuthorizationPolicyObject.Attribute] = [
    "ports": .destinationPort, "hosts": .host, "methods": .method, "paths": .path,
  ]
  private static let ofConnection: [String: AuthorizationPolicyObject.Attribute] = [
    "source.ip": .sourceIP, "source.namespace": .namespace, "source.principal": .principal,
    "source.serviceAccount": .serviceAccount, "source.trustDomain": .trustDomain,
    "destination.ip": .destinationIP, "destination.port": .destinationPort,
  ]
  private static let ofRequests: [String: AuthorizationPolicyObject.Attribute] = [
    "remote.ip": .remoteIP, "request.auth.principal": .tokenPrincipal,
    "request.auth.audiences": .tokenAudience, "request.auth.presenter": .tokenPresenter,
    "connection.sni": .serverName,
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
    guard let attribute = Self.ofConnection[key] ?? Self.ofRequest(key) else {
      section.sink.report(
        .unknownCondition, .error, line: section.line(of: "key"),
        "\(section.path("key")) \(key.debugDescription) is not an attribute",
        remedy: "Use one of \(Self.conditions.joined(separator: ", ")).")
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

  private static let conditions =
    [String](ofConnection.keys).sorted() + [String](ofRequests.keys).sorted()
    + ["request.headers[NAME]", "request.auth.claims[NAME]"]

  private static func ofRequest(_ key: String) -> AuthorizationPolicyObject.Attribute? {
    if let attribute = ofRequests[key] { return attribute }
    if let names = names(in: key, after: "request.headers"), names.count == 1 {
      return header(names[0].lowercased())
    }
    if let names = names(in: key, after: "request.auth.claims") { return .tokenClaim(names) }
    let foreign = "experimental.envoy.filters."
    return key.hasPrefix(foreign) && key.utf8.count > foreign.utf8.count ? .foreign : nil
  }

  /// The host is no field of a request in every version of HTTP, and of the names with a colon the others are
  /// attributes of their own.
  private static func header(_ name: String) -> AuthorizationPolicyObject.Attribute? {
    switch name {
    case "host", ":authority": .host
    case ":method": .method
    default: HTTPGrammar.isToken(name) ? .header(name) : nil
    }
  }

  /// `a` and `b` of `PREFIX[a][b]`; nil for another text.
  private static func names(in key: String, after prefix: String) -> [String]? {
    guard key.hasPrefix(prefix + "["), key.hasSuffix("]") else { return nil }
    let inner = key.dropFirst(prefix.utf8.count + 1).dropLast()
    let names = inner.split(separator: "][", omittingEmptySubsequences: false).map(String.init)
    return names.allSatisfy { !$0.isEmpty && !$0.contains("[") && !$0.contains("]") } ? names : nil
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
      guard let fault = AttributeValue.fault(of: value, attribute) else { continue }
      section.invalid(key, "\(value.debugDescription) \(fault.why)", remedy: fault.remedy)
    }
    return values
  }
}
