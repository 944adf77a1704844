import MeshModel

/// One AuthorizationPolicy on its way to the wire.
///
/// It fails closed. A policy that cannot be read denies everybody whom it may bind. What only a waypoint can
/// ask of a connection makes an ALLOW lose the rule (it allows less), an AUDIT too, and a DENY lose that term
/// (it denies more); a CUSTOM, whose authorizer nobody asks, denies what it selects.
struct PolicyCompilation {
  typealias Term = AuthorizationPolicyObject.Term

  let policy: AuthorizationPolicyObject
  private let scope: Authorization.Scope
  let domains: TrustDomainAliases
  /// Whom it binds has a waypoint, if that is what it takes to enforce it.
  private let isAtWaypoint: Bool
  /// Nil for a policy that never decides and that nobody need hear of.
  private(set) var authorization: Authorization?
  /// The same with all that it asks, for waypoints.
  private(set) var whole: Authorization?
  /// Of the rules of `authorization`.
  private(set) var origins: [Place] = []
  /// Of the rules of `whole`.
  private(set) var wholeOrigins: [Place] = []
  private(set) var findings: [Finding] = []

  init(_ policy: AuthorizationPolicyObject, _ scope: Authorization.Scope, _ options: CompileOptions) {
    self.policy = policy
    self.scope = scope
    domains = TrustDomainAliases(options)
    isAtWaypoint = options.hasWaypoints && !policy.neverDecides
  }

  mutating func run() {
    guard policy.isWhole else { return close() }
    if policy.action == .audit {
      report(
        .auditOnly, .info, policy.meta.place.line,
        "AUDIT decides nothing: connections that match are marked audit=\(policy.meta.key) in the "
          + "destination's record")
    }
    reportBinding()
    var rules: [Authorization.Rule] = []
    for rule in policy.rules {
      let compiled = compile(rule)
      rules += compiled
      origins += compiled.map { _ in Place(file: policy.meta.place.file, line: rule.line) }
    }
    authorization = authorization(rules)
    let isPlain = policy.rules.allSatisfy { $0.terms.allSatisfy { !Self.needsWaypoint($0) } }
    wholeOrigins = origins
    whole = authorization
    guard !isPlain else { return }
    let wholes = policy.rules.map { ($0, wholeRule($0)) }.filter { $0.1 != nil }
    wholeOrigins = wholes.map { Place(file: policy.meta.place.file, line: $0.0.line) }
    whole = authorization(wholes.compactMap(\.1))
  }

  private func authorization(_ rules: [Authorization.Rule]) -> Authorization {
    Authorization(
      name: policy.meta.name, namespace: policy.meta.namespace, scope: scope,
      action: action, rules: rules, isDryRun: policy.isDryRun)
  }

  private var action: Authorization.Action {
    switch policy.action {
    case .allow where policy.isWhole: .allow
    case .audit where policy.isWhole: .audit
    default: .deny
    }
  }

  /// Stands in for what could not be read.
  private mutating func close() {
    guard !policy.neverDecides else { return }
    let bound =
      switch scope {
      case .global: "every workload of the mesh"
      case .namespace: "every workload of the namespace \(policy.meta.namespace)"
      case .workloadSelector: "the workloads that it selects"
      }
    report(
      .closedPolicy, .error, policy.meta.place.line,
      "it cannot be read whole, so \(bound) \(scope == .workloadSelector ? "are" : "is") closed to everybody",
      remedy: "Correct the errors named beside this one.")
    authorization = authorization([Authorization.Rule(clauses: [])])
    whole = authorization
    origins = [policy.meta.place]
    wholeOrigins = origins
  }

  // MARK: What waypoints will do

  /// Of what marks and never decides, nothing is left open.
  private var beyondSeverity: Finding.Severity { policy.action == .audit ? .warning : .error }

  private mutating func reportBinding() {
    for target in policy.targets where !(isAtWaypoint && scope == .workloadSelector) {
      let stand = scope == .workloadSelector ? "the pods behind the service" : "all of its namespace"
      report(
        .beyondLayer4, beyondSeverity, target.line,
        "\(target.path) (\(target.kind) \(target.name)) needs a waypoint, and nobody starts one: "
          + "it binds \(stand)",
        remedy: "Use spec.selector to bind workloads.")
    }
    if policy.action == .custom {
      report(
        .beyondLayer4, .error, policy.meta.place.line,
        "spec.action CUSTOM asks an authorizer, and no waypoint asks one yet: what it selects is denied",
        remedy: "Use ALLOW or DENY.")
    }
  }

  private mutating func reportUnenforceable(_ terms: [Term]) {
    for term in terms where !isAtWaypoint || !term.attribute.isOfRequests || term.attribute == .foreign {
      let effect =
        switch policy.action {
        case .allow: "the rule allows nothing until then"
        case .audit: "the rule marks nothing until then"
        default: "the rule denies without asking for it, so more than it says"
        }
      let cause =
        term.attribute == .foreign && isAtWaypoint
        ? "is known to another mesh's proxy only"
        : term.attribute.isOfRequests
          ? "needs a waypoint, which reads requests, and nobody starts one"
          : "has a suffix, which cannot be compared"
      report(
        .beyondLayer4, beyondSeverity, term.line, "\(term.path) \(cause): \(effect)",
        remedy: term.attribute.isOfRequests
          ? "Say it with principals, namespaces, serviceAccounts, ipBlocks and ports, or take it out."
          : "Name the trust domains whole, or by their beginnings.")
    }
  }

  private mutating func report(
    _ code: FindingCode, _ severity: Finding.Severity, _ line: Int, _ message: String, remedy: String = ""
  ) {
    let place = Place(file: policy.meta.place.file, line: line)
    findings.append(
      Finding(
        code, severity, object: policy.meta.title, at: place, message, remedy: remedy,
        isContained: severity == .error))
  }

  // MARK: Rules

  /// The rules that one rule becomes: several when its sources cannot share a clause.
  private mutating func compile(_ rule: AuthorizationPolicyObject.Rule) -> [Authorization.Rule] {
    let beyond = rule.terms.filter(Self.isBeyond)
    reportUnenforceable(beyond)
    if policy.action == .allow || policy.action == .audit, !beyond.isEmpty { return [] }
    let sources = rule.sources.map { $0.filter { !Self.isBeyond($0) } }
    let operations = rule.operations.map { $0.filter { !Self.isBeyond($0) } }
    let conditions = rule.conditions.filter { !Self.isBeyond($0) }

    // An alternative that lost all its terms asks for nothing, and so do those beside it.
    var shared: [Authorization.Clause] = []
    if !operations.isEmpty, operations.allSatisfy({ !$0.isEmpty }) {
      shared.append(Authorization.Clause(matches: operations.flatMap(matches)))
    }
    shared += conditions.map { Authorization.Clause(matches: matches([$0])) }
    guard !sources.isEmpty, sources.allSatisfy({ !$0.isEmpty }) else {
      return [Authorization.Rule(clauses: shared)]
    }
    let alternatives = sources.map(matches)
    if alternatives.allSatisfy({ $0.count == 1 }) {
      return [Authorization.Rule(clauses: [.init(matches: alternatives.flatMap(\.self))] + shared)]
    }
    return alternatives.map { all in
      Authorization.Rule(clauses: all.map { Authorization.Clause(matches: [$0]) } + shared)
    }
  }

  private static func isBeyond(_ term: Term) -> Bool {
    guard term.attribute == .trustDomain else { return term.attribute.isOfRequests }
    return (term.values + term.unwanted).contains { AttributeValue.trustDomain($0) == nil }
  }

  /// The matches that must all hold for the terms to hold: one, and a second when trust domains and
  /// principals, which travel in one field, are both asked for.
  private func matches(_ terms: [Term]) -> [Authorization.Match] {
    var match = Authorization.Match()
    var domains = Authorization.Match()
    for term in terms {
      if term.attribute == .trustDomain { add(term, to: &domains) } else { add(term, to: &match) }
    }
    guard domains != Authorization.Match() else { return [match] }
    guard match != Authorization.Match() else { return [domains] }
    guard match.principals.isEmpty || domains.principals.isEmpty else { return [match, domains] }
    match.principals += domains.principals
    match.notPrincipals += domains.notPrincipals
    return [match]
  }

  func add(_ term: Term, to match: inout Authorization.Match) {
    let (values, unwanted) = (term.values, term.unwanted)
    switch term.attribute {
    case .principal:
      match.principals += values.flatMap(domains.spellings).map(AttributeValue.pattern)
      match.notPrincipals += unwanted.flatMap(domains.spellings).map(AttributeValue.pattern)
    case .trustDomain:
      match.principals += values.flatMap(domains.names).compactMap(AttributeValue.trustDomain)
      match.notPrincipals += unwanted.flatMap(domains.names).compactMap(AttributeValue.trustDomain)
    case .namespace:
      match.namespaces += values.map(AttributeValue.pattern)
      match.notNamespaces += unwanted.map(AttributeValue.pattern)
    case .serviceAccount:
      let namespace = policy.meta.namespace
      match.serviceAccounts += values.compactMap { AttributeValue.account($0, in: namespace) }
      match.notServiceAccounts += unwanted.compactMap { AttributeValue.account($0, in: namespace) }
    case .sourceIP:
      match.sourceIPs += values.compactMap(AttributeValue.range)
      match.notSourceIPs += unwanted.compactMap(AttributeValue.range)
    case .destinationIP:
      match.destinationIPs += values.compactMap(AttributeValue.range)
      match.notDestinationIPs += unwanted.compactMap(AttributeValue.range)
    case .destinationPort:
      match.destinationPorts += values.compactMap(AttributeValue.port)
      match.notDestinationPorts += unwanted.compactMap(AttributeValue.port)
    default: break
    }
  }
}
