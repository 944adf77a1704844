import MeshModel

/// What policies shut out without a word: rules that match nothing, workloads that nobody may reach, denials
/// that leave nobody. Told from what is written; see `RuleReach`.
extension Compilation {
  mutating func checkReach() {
    var check = ReachCheck(self)
    check.run()
    findings += check.findings
  }

  /// What the manifests say of pods. Running pods of a controller are not said twice.
  var templates: [PodTemplate] {
    objects.pods.filter { $0.meta.owner == nil }.map { template($0.meta, $0.meta.labels, $0.spec) }
      + objects.controllers.map { template($0.meta, $0.templateLabels, $0.spec) }
  }

  private func template(_ meta: ObjectMeta, _ labels: [String: String], _ spec: PodSpec) -> PodTemplate {
    PodTemplate(
      title: meta.title, namespace: meta.namespace, labels: labels, spec: spec,
      isEnrolled: isEnrolled(labels, spec, in: meta.namespace), place: meta.place)
  }
}

/// One look at all policies and all workloads together.
private struct ReachCheck {
  typealias Policy = AuthorizationPolicyObject

  /// Remarks on one policy: more are of no use to a reader.
  private static let maximumRemarks = 20

  private let compilation: Compilation
  private let templates: [PodTemplate]
  private let peers: KnownPeers
  private let domains: TrustDomainAliases
  private var bound: [String: Bound] = [:]
  /// Policies of which no rule can match.
  private var barren: Set<String> = []
  private(set) var findings: [Finding] = []

  /// The enrolled workloads that a policy binds.
  private struct Bound {
    var titles: [String] = []
    var ports: Set<UInt16>? = []
    var targets: [UInt16: UInt16] = [:]
  }

  init(_ compilation: Compilation) {
    self.compilation = compilation
    templates = compilation.templates
    domains = TrustDomainAliases(compilation.options)
    peers = KnownPeers(compilation.objects, templates, compilation.options)
  }

  mutating func run() {
    for template in templates where template.isEnrolled { bind(template) }
    for policy in compilation.objects.authorizationPolicies where policy.isWhole { check(policy) }
    for policy in compilation.objects.peerAuthentications { check(policy) }
    checkLockOuts()
    checkShadows()
  }

  private func enforced(on template: PodTemplate) -> [Policy] {
    compilation.policies.enforced(namespace: template.namespace, labels: template.labels)
  }

  private func services(of template: PodTemplate) -> [ServiceObject] {
    compilation.servicesBySelector.selecting(template.labels, in: template.namespace)
  }

  private mutating func bind(_ template: PodTemplate) {
    let services = services(of: template)
    for policy in enforced(on: template) {
      var entry = bound[policy.meta.key] ?? Bound()
      entry.titles.append(template.title)
      if template.ports.isEmpty { entry.ports = nil } else { entry.ports?.formUnion(template.ports) }
      for port in services.flatMap(\.ports) where port.transport == .tcp {
        let target = template.spec.number(of: port.target, port.transport)
        if target != port.port { entry.targets[port.port] = target }
      }
      bound[policy.meta.key] = entry
    }
  }

  // MARK: One policy

  private func reaches(of policy: Policy) -> [RuleReach] {
    let bound = bound[policy.meta.key]
    let setting = RuleReach.Setting(
      namespace: policy.meta.namespace, domains: domains, peers: peers, ports: bound?.ports,
      targets: bound?.targets ?? [:])
    return policy.rules.map { RuleReach(rule: $0, setting: setting) }
  }

  private mutating func check(_ policy: Policy) {
    var said: [Finding] = []
    var dead = 0
    for (index, reach) in reaches(of: policy).enumerated() {
      let path = "spec.rules[\(index)]"
      if let cause = reach.dead {
        // What the manifests do not tell may be told elsewhere.
        let isSure = cause.doubt.severity > .info
        let verb = isSure ? "matches" : "may match"
        dead += isSure ? 1 : 0
        said.append(
          finding(
            .ruleNeverMatches, cause.doubt.severity, policy, reach.rule.line,
            "\(path) \(verb) nothing: \(cause.text)", cause.doubt.remedy))
        continue
      }
      said += reach.deadParts.map {
        finding(
          .ruleNeverMatches, $0.doubt.severity, policy, $0.term.line,
          "\($0.text), so this part of the rule matches nothing", $0.doubt.remedy)
      }
      said += reach.deadValues.map {
        finding($0.doubt.code, $0.doubt.severity, policy, $0.term.line, $0.text, $0.doubt.remedy)
      }
      if policy.action == .deny, !policy.isDryRun, let breadth = reach.breadth {
        said.append(deniesEverybody(policy, path, reach.rule.line, breadth))
      }
    }
    if dead == policy.rules.count { barren.insert(policy.meta.key) }
    findings += said.prefix(Self.maximumRemarks)
  }

  /// Its ports are those of containers, too.
  private mutating func check(_ policy: PeerAuthenticationObject) {
    guard let selector = policy.selector, !policy.portModes.isEmpty else { return }
    let bound = templates.filter { $0.namespace == policy.meta.namespace && $0.labels.hold(selector) }
    guard !bound.isEmpty, bound.allSatisfy({ !$0.ports.isEmpty }) else { return }
    let served = Set(bound.flatMap(\.ports))
    for port in policy.portModes.keys.sorted() where !served.contains(port) {
      let declared = served.sorted().map(String.init).joined(separator: ", ")
      findings.append(
        policy.finding(
          .unservedPort, .warning, "spec.portLevelMtls names \(port), which no container it binds declares",
          remedy: "Name the container's port, not the service's: one of \(declared)."))
    }
  }

  private func deniesEverybody(
    _ policy: Policy, _ path: String, _ line: Int, _ breadth: RuleReach.Breadth
  ) -> Finding {
    let who = breadth == .everybody ? "every connection" : "every peer that has an identity of this mesh"
    let whom = Self.list(bound[policy.meta.key]?.titles ?? []) ?? "what it binds"
    return finding(
      .deniesEverybody, .warning, policy, line,
      "\(path) denies \(who) to \(whom), whatever is allowed elsewhere",
      "Say whom to deny, unless that is meant.")
  }

  private func finding(
    _ code: FindingCode, _ severity: Finding.Severity, _ policy: Policy, _ line: Int, _ message: String,
    _ remedy: String
  ) -> Finding {
    Finding(
      code, severity, object: policy.meta.title, at: Place(file: policy.meta.place.file, line: line),
      message, remedy: remedy)
  }

  /// `Deployment a/b, Deployment a/c and 2 more`; nil for none.
  private static func list(_ titles: [String]) -> String? {
    guard titles.count > 2 else { return titles.isEmpty ? nil : titles.joined(separator: " and ") }
    return "\(titles[0]), \(titles[1]) and \(titles.count - 2) more"
  }

  // MARK: Policies together

  /// Workloads that serve, and that ALLOW policies bind of which none can allow anybody.
  private mutating func checkLockOuts() {
    var lockedOut: [String: (policy: Policy, titles: [String])] = [:]
    for template in templates where template.isEnrolled {
      guard !template.ports.isEmpty || !services(of: template).isEmpty else { continue }
      let allowing = enforced(on: template).filter { $0.action == .allow && $0.isWhole }
      guard !allowing.isEmpty, allowing.allSatisfy({ barren.contains($0.meta.key) }) else { continue }
      // The most particular one is the one to correct.
      let sorted = allowing.sorted { $0.meta.key < $1.meta.key }
      guard let policy = sorted.first(where: { $0.selector != nil }) ?? sorted.first else { continue }
      lockedOut[policy.meta.key, default: (policy, [])].titles.append(template.title)
    }
    for (_, (policy, titles)) in lockedOut.sorted(by: { $0.key < $1.key }) {
      let why = policy.rules.isEmpty ? "it has no rules, so it allows nothing" : "none of its rules can match"
      findings.append(
        policy.finding(
          .lockedOut, .warning,
          "nobody may reach \(Self.list(titles) ?? ""): \(why), and no other policy allows anybody",
          remedy: "Add a rule for those who call, unless that is meant."))
    }
  }

  /// Whom a policy binds, as far as two policies can be compared.
  private struct Binding: Hashable {
    var namespace: String
    var selector: [String: String]?
  }

  /// Rules that allow only peers whom a DENY of the same workloads denies anyway.
  private mutating func checkShadows() {
    let policies = compilation.objects.authorizationPolicies.filter { $0.isWhole && !$0.isDryRun }
    var denied: [Binding: [(policy: Policy, ranges: [PeerRange])]] = [:]
    for policy in policies where policy.action == .deny && policy.targets.isEmpty {
      let ranges = reaches(of: policy).flatMap(\.wholly)
      guard !ranges.isEmpty else { continue }
      denied[Binding(namespace: policy.meta.namespace, selector: policy.selector), default: []].append(
        (policy, ranges))
    }
    guard !denied.isEmpty else { return }
    for policy in policies where policy.action == .allow {
      let namespaces = Set([policy.meta.namespace, compilation.options.rootNamespace]).sorted()
      let selectors = policy.selector.map { [nil, $0] } ?? [nil]
      let above = namespaces.flatMap { namespace in
        selectors.flatMap { denied[Binding(namespace: namespace, selector: $0)] ?? [] }
      }
      if !above.isEmpty { checkShadows(on: policy, above) }
    }
  }

  /// Ranges that one policy is compared with, at most.
  private static let maximumRanges = 10_000

  private mutating func checkShadows(on policy: Policy, _ above: [(policy: Policy, ranges: [PeerRange])]) {
    var work = 0
    for (index, reach) in reaches(of: policy).enumerated() where reach.dead == nil {
      for deny in above {
        work += deny.ranges.count
        guard work < Self.maximumRanges else { return }
        guard reach.isWithin(deny.ranges) else { continue }
        let meta = deny.policy.meta
        findings.append(
          finding(
            .shadowedByDeny, .warning, policy, reach.rule.line,
            "spec.rules[\(index)] allows only peers that \(meta.title) at \(meta.place) denies",
            "Take them out of one of the two: a DENY is stronger."))
      }
    }
  }
}
