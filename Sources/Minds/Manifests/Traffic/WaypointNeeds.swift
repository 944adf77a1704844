import MeshModel

/// Which accounts need a waypoint, and why.
struct WaypointNeeds {
  private let population: Population
  private(set) var reasons: [WaypointName: [String]] = [:]
  /// What annotations ask of it.
  private(set) var wishes: [WaypointName: WaypointWishes] = [:]
  private(set) var findings: [Finding] = []

  static let label = WaypointWishes.label
  static let namespaceLabel = "istio.io/use-waypoint-namespace"
  static let none = "none"
  /// Clauses kept for one waypoint: more are of no use to a reader.
  private static let maximumReasons = 32

  init(_ population: Population) { self.population = population }

  mutating func need(_ waypoint: WaypointName, because reason: String) {
    let known = reasons[waypoint] ?? []
    guard !known.contains(reason), known.count < Self.maximumReasons else { return }
    reasons[waypoint] = known + [reason]
  }

  /// One waypoint stands before a service: that of the first account behind it.
  mutating func need(_ service: ServiceKey, because reason: String) {
    guard let account = population.accounts[service]?.first else { return }
    need(account, because: reason)
  }

  /// Before which service account the waypoint of a service stands; nil when it needs none.
  func waypoint(of service: ServiceKey) -> WaypointName? {
    population.accounts[service]?.first { reasons[$0] != nil }
  }

  // MARK: Policies

  /// Policies that ask of requests what only a waypoint knows. What only marks needs none.
  mutating func addPolicies(_ policies: AuthorizationPolicyBindings) {
    for member in population.members where member.isReachable {
      let bound = policies.enforced(namespace: member.account.namespace, labels: member.labels)
      for policy in bound.sorted(by: { $0.meta.key < $1.meta.key }) where policy.isWhole {
        guard let why = Self.reason(policy) else { continue }
        need(member.account, because: "\(policy.meta.title) \(why)")
      }
    }
  }

  /// Tokens are read at waypoints.
  mutating func addAuthentications(_ authentications: RequestAuthentications) {
    for member in population.members where member.isReachable {
      for title in authentications.titles(namespace: member.account.namespace, labels: member.labels) {
        need(member.account, because: "\(title) asks for tokens")
      }
    }
  }

  private static func reason(_ policy: AuthorizationPolicyObject) -> String? {
    if policy.action == .custom { return "asks an external authorizer" }
    let terms = policy.rules.flatMap(\.terms).filter(\.attribute.isOfRequests)
    guard !terms.isEmpty else { return policy.targets.isEmpty ? nil : "is for requests to a service" }
    let names = Set(
      terms.map { term in
        term.path.contains(".when[") ? "conditions" : String(term.path.split(separator: ".").last ?? "")
      })
    return "asks for \(names.sorted().joined(separator: ", "))"
  }

  // MARK: Annotations

  mutating func addWishes(_ accounts: [ServiceAccountObject]) {
    for account in accounts {
      let name = WaypointName(namespace: account.meta.namespace, serviceAccount: account.meta.name)
      wishes[name] = account.waypoint
      guard account.waypoint.isAlwaysOn,
        population.members.contains(where: { $0.account == name && $0.isReachable })
      else { continue }
      need(name, because: "\(account.meta.title) says \(WaypointWishes.presence): always")
    }
  }

  // MARK: Labels

  mutating func addLabels(_ objects: ManifestSet, key: (ServiceObject) -> ServiceKey) {
    for namespace in objects.namespaces {
      guard let name = name(in: namespace.meta, namespace.meta.labels) else { continue }
      let members = population.members.filter {
        $0.account.namespace == namespace.meta.name && $0.isReachable && $0.labels[Self.label] != Self.none
      }
      need(members.map(\.account), named: name, by: namespace.meta)
    }
    for service in objects.services {
      guard let name = name(in: service.meta, service.meta.labels) else { continue }
      guard let account = population.accounts[key(service)]?.first else {
        findings.append(
          service.finding(
            .trafficNotEnrolled, .warning,
            "the label \(Self.label) has no effect: no pod behind it is enrolled and takes mutual TLS",
            remedy: "Label the namespace \(DataplaneMode.label): \(DataplaneMode.ambient)."))
        continue
      }
      need([account], named: name, by: service.meta)
    }
    for pod in objects.pods where pod.meta.owner == nil {
      need(pod.meta, pod.meta.labels)
    }
    for controller in objects.controllers { need(controller.meta, controller.templateLabels) }
  }

  /// Labels that say `none` where one is needed: who enforces a policy is not the label's to say.
  mutating func reportRefusals() {
    for member in population.members where member.labels[Self.label] == Self.none {
      guard let reason = reasons[member.account]?.first else { continue }
      findings.append(
        Finding(
          .foreignWaypoint, .warning, object: member.title, at: member.place,
          "the label \(Self.label): none has no effect, because \(reason)"))
    }
  }

  private mutating func need(_ meta: ObjectMeta, _ labels: [String: String]) {
    guard let name = name(in: meta, labels) else { return }
    let members = population.members.filter { $0.title == meta.title && $0.isReachable }
    need(members.map(\.account), named: name, by: meta)
  }

  private mutating func name(in meta: ObjectMeta, _ labels: [String: String]) -> String? {
    if labels[Self.namespaceLabel] != nil {
      findings.append(
        Finding(
          .foreignWaypoint, .warning, object: meta.title, at: meta.place,
          "the label \(Self.namespaceLabel) has no effect: a waypoint is of the namespace of its account"))
    }
    guard let name = labels[Self.label], name != Self.none else { return nil }
    return name
  }

  private mutating func need(_ accounts: [WaypointName], named name: String, by meta: ObjectMeta) {
    let accounts = Set(accounts).sorted { $0.description < $1.description }
    for account in accounts { need(account, because: "\(meta.title) has the label \(Self.label)") }
    guard accounts.contains(where: { $0.name != name }) else { return }
    findings.append(
      Finding(
        .foreignWaypoint, .info, object: meta.title, at: meta.place,
        "the label \(Self.label) names \(name): here each service account has its own waypoint, "
          + accounts.map(\.name).joined(separator: ", ")))
  }
}
