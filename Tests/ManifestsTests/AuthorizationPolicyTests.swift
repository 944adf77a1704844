import MeshModel
import PolicyEngine
import Testing

@testable import Manifests

/// AuthorizationPolicy from the manifest to the verdict.
@Suite struct AuthorizationPolicyTests {
  static let order = "production/order-sa"
  static let web = "production/web"
  static let stranger = "staging/order-sa"

  // MARK: One field at a time

  /// A rule, and what is allowed by an ALLOW of it alone: `order` and `web` of production, `stranger` of
  /// staging, `plain` without an identity; from 10.244.0.9 to payment's 10.244.0.2:8080.
  @Test(arguments: [
    ("{from: [{source: {principals: [cluster.local/ns/production/sa/order-sa]}}]}", "order"),
    ("{from: [{source: {principals: [\"cluster.local/ns/production/*\"]}}]}", "order web"),
    ("{from: [{source: {principals: [\"*/sa/order-sa\"]}}]}", "order stranger"),
    ("{from: [{source: {principals: [\"*\"]}}]}", "order web stranger"),
    ("{from: [{source: {principals: [other.td/ns/production/sa/order-sa]}}]}", ""),
    ("{from: [{source: {notPrincipals: [cluster.local/ns/production/sa/order-sa]}}]}", "web stranger plain"),
    ("{from: [{source: {notPrincipals: [\"*\"]}}]}", "plain"),
    ("{from: [{source: {namespaces: [production]}}]}", "order web"),
    ("{from: [{source: {namespaces: [\"st*\"]}}]}", "stranger"),
    ("{from: [{source: {namespaces: [\"*tion\"]}}]}", "order web"),
    ("{from: [{source: {namespaces: [\"*\"]}}]}", "order web stranger"),
    ("{from: [{source: {notNamespaces: [production]}}]}", "stranger plain"),
    ("{from: [{source: {serviceAccounts: [order-sa]}}]}", "order"),
    ("{from: [{source: {serviceAccounts: [staging/order-sa, web]}}]}", "web stranger"),
    ("{from: [{source: {notServiceAccounts: [order-sa]}}]}", "web stranger plain"),
    ("{from: [{source: {ipBlocks: [10.244.0.0/24]}}]}", "order web stranger plain"),
    ("{from: [{source: {ipBlocks: [10.244.0.9]}}]}", "order web stranger plain"),
    ("{from: [{source: {ipBlocks: [10.244.1.0/24, \"fd00::/8\"]}}]}", ""),
    ("{from: [{source: {notIpBlocks: [10.244.0.0/24]}}]}", ""),
    ("{from: [{source: {trustDomains: [cluster.local]}}]}", "order web stranger"),
    ("{from: [{source: {trustDomains: [\"cluster*\"]}}]}", "order web stranger"),
    ("{from: [{source: {trustDomains: [cluster.loca]}}]}", ""),
    ("{from: [{source: {trustDomains: [\"*\"]}}]}", "order web stranger"),
    ("{from: [{source: {notTrustDomains: [cluster.local]}}]}", "plain"),
    ("{from: [{source: {trustDomains: [other], principals: [\"*\"]}}]}", ""),
    ("{from: [{source: {trustDomains: [cluster.local], principals: [\"*/sa/web\"]}}]}", "web"),
    (
      "{from: [{source: {trustDomains: [cluster.local], principals: [\"*/sa/web\"]}}, "
        + "{source: {namespaces: [staging]}}]}", "web stranger"
    ),
    ("{from: [{source: {namespaces: [production], principals: [\"*/sa/order-sa\"]}}]}", "order"),
    ("{from: [{source: {namespaces: [staging]}}, {source: {serviceAccounts: [web]}}]}", "web stranger"),
    ("{to: [{operation: {ports: [\"8080\"]}}]}", "order web stranger plain"),
    ("{to: [{operation: {ports: [\"80\", \"8081\"]}}]}", ""),
    ("{to: [{operation: {notPorts: [\"8080\"]}}]}", ""),
    ("{to: [{operation: {notPorts: [\"80\"]}}]}", "order web stranger plain"),
    ("{to: [{operation: {ports: [\"80\"]}}, {operation: {ports: [\"8080\"]}}]}", "order web stranger plain"),
    ("{from: [{source: {namespaces: [staging]}}], to: [{operation: {ports: [\"8080\"]}}]}", "stranger"),
    ("{from: [{source: {namespaces: [staging]}}], to: [{operation: {ports: [\"80\"]}}]}", ""),
    ("{when: [{key: source.ip, values: [10.244.0.9]}]}", "order web stranger plain"),
    ("{when: [{key: source.ip, notValues: [10.244.0.9]}]}", ""),
    ("{when: [{key: source.ip, values: [10.0.0.0/8], notValues: [10.244.0.9]}]}", ""),
    ("{when: [{key: source.namespace, values: [staging]}]}", "stranger"),
    ("{when: [{key: source.namespace, notValues: [staging]}]}", "order web plain"),
    ("{when: [{key: source.principal, values: [\"*/sa/web\"]}]}", "web"),
    ("{when: [{key: source.principal, notValues: [\"*/sa/web\"]}]}", "order stranger plain"),
    ("{when: [{key: source.serviceAccount, values: [production/web]}]}", "web"),
    ("{when: [{key: source.serviceAccount, notValues: [web]}]}", "order stranger plain"),
    ("{when: [{key: source.trustDomain, values: [cluster.local]}]}", "order web stranger"),
    ("{when: [{key: source.trustDomain, values: [other]}]}", ""),
    ("{when: [{key: source.trustDomain, notValues: [\"clu*\"]}]}", "plain"),
    ("{when: [{key: destination.ip, values: [10.244.0.2]}]}", "order web stranger plain"),
    ("{when: [{key: destination.ip, notValues: [10.244.0.0/16]}]}", ""),
    ("{when: [{key: destination.port, values: [\"8080\"]}]}", "order web stranger plain"),
    ("{when: [{key: destination.port, notValues: [\"8080\"]}]}", ""),
    (
      "{from: [{source: {namespaces: [production]}}], "
        + "when: [{key: source.principal, values: [\"*/sa/web\"]}]}", "web"
    ),
    ("{}", "order web stranger plain"),
  ])
  func rule(_ rule: String, _ allowed: String) throws {
    let all = Set(["order", "web", "stranger", "plain"])
    let named = Set(allowed.split(separator: " ").map(String.init))
    let allow = try PolicyBench(policy("p", rules: "[\(rule)]"))
    #expect(try Set(all.filter { try allow.refusal($0) == nil }) == named)
    #expect(try all.subtracting(named).allSatisfy { try allow.refusal($0) == .noPolicyAllows })
    // A DENY of the same refuses exactly those.
    let deny = try PolicyBench(policy("p", action: "DENY", rules: "[\(rule)]"))
    #expect(try Set(all.filter { try deny.refusal($0) != nil }) == named)
    #expect(try named.allSatisfy { try deny.refusal($0) == .policy("production/p") })
    // AUDIT and a dry run decide nothing, and mark exactly those.
    let audit = try PolicyBench(policy("p", action: "AUDIT", rules: "[\(rule)]"))
    #expect(try all.allSatisfy { try audit.refusal($0) == nil })
    #expect(try Set(all.filter { try audit.remarks($0)?.audits == ["production/p"] }) == named)
    let dry = try PolicyBench(policy("p", action: "DENY", rules: "[\(rule)]", dryRun: true))
    #expect(try all.allSatisfy { try dry.refusal($0) == nil })
    #expect(try Set(all.filter { try dry.remarks($0)?.dryRuns == [.deny("production/p")] }) == named)
  }

  // MARK: Empty cases

  @Test(arguments: [
    ("", "ALLOW", RefusalReason.noPolicyAllows), ("spec: {}", "ALLOW", .noPolicyAllows),
    ("spec: ~", "ALLOW", .noPolicyAllows), ("spec: {rules: []}", "ALLOW", .noPolicyAllows),
    ("spec: {rules: ~}", "ALLOW", .noPolicyAllows), ("spec: {action: ALLOW}", "ALLOW", .noPolicyAllows),
    ("spec: {rules: [{}]}", "ALLOW", nil),
    ("spec: {action: DENY, rules: [{}]}", "DENY", .policy("production/p")),
    ("spec: {action: AUDIT, rules: [{}]}", "AUDIT", nil),
  ])
  func emptyMeansWhatIstioMeans(spec: String, action: String, expected: RefusalReason?) throws {
    let head =
      "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
      + "metadata: {name: p, namespace: production}\n"
    let bench = try PolicyBench(head + spec)
    #expect(try bench.refusal("order") == expected)
    #expect(try bench.refusal("plain") == expected)
    #expect(!bench.findings.containsErrors, "\(bench.findings)")
  }

  // MARK: Binding

  @Test func bindsByNamespaceMeshAndSelector() throws {
    let none = "[]"
    func closed(_ policies: String...) throws -> [String] {
      let bench = try PolicyBench(policies.joined(separator: "\n---\n"))
      return try ["payment", "ledger"].filter { try bench.refusal("order", to: $0) != nil }
    }
    #expect(try closed(policy("p", rules: none)) == ["payment", "ledger"])
    #expect(try closed(policy("p", namespace: "staging", rules: none)) == [])
    #expect(try closed(policy("p", namespace: "istio-system", rules: none)) == ["payment", "ledger"])
    #expect(try closed(policy("p", selector: "app: payment", rules: none)) == ["payment"])
    #expect(try closed(policy("p", selector: "app: payment, tier: gold", rules: none)) == ["payment"])
    #expect(try closed(policy("p", selector: "app: payment, tier: lead", rules: none)) == [])
    #expect(
      try closed(policy("p", namespace: "istio-system", selector: "app: ledger", rules: none)) == ["ledger"])
    #expect(try closed(policy("p", namespace: "staging", selector: "app: ledger", rules: none)) == [])
  }

  @Test func workloadsNameTheirPoliciesInOrder() throws {
    let bench = try PolicyBench(
      [
        policy("b", selector: "app: payment", rules: "[{}]"),
        policy("a", selector: "tier: gold", rules: "[{}]"),
      ]
      .joined(separator: "\n---\n"))
    let payment = try #require(bench.mesh.workloads.first { $0.name == "payment" })
    #expect(payment.policies == ["production/a", "production/b"])
    #expect(bench.mesh.authorizations.filter { $0.scope == .workloadSelector }.count == 3)
    #expect(bench.mesh.ruleOrigins["production/b"]?.count == 1)
  }

  @Test func aChangedLabelChangesWhatBinds() throws {
    let text = policy("p", selector: "app: payment", rules: "[]")
    let before = try PolicyBench(text)
    let after = try PolicyBench(text, pods: PolicyBench.pods.replacing("app: payment", with: "app: other"))
    #expect(try before.refusal("order") == .noPolicyAllows)
    #expect(try after.refusal("order") == nil)
    #expect(after.mesh.workloads.allSatisfy { $0.policies.isEmpty })
  }

  @Test func aPolicyMayNameTheTrustDomainByAnyOfItsNames() throws {
    var options = CompileOptions()
    options.trustDomain = try TrustDomain("prod.example")
    options.trustDomainAliases = [try TrustDomain("old.example")]
    for name in ["prod.example", "old.example", "cluster.local"] {
      for rule in [
        "{from: [{source: {principals: [\(name)/ns/production/sa/order-sa]}}]}",
        "{from: [{source: {principals: [\"\(name)/ns/production/sa/ord*\"]}}]}",
        "{from: [{source: {trustDomains: [\(name)], serviceAccounts: [order-sa]}}]}",
      ] {
        let bench = try PolicyBench(policy("p", rules: "[\(rule)]"), options: options)
        #expect(try bench.refusal("order") == nil, "\(name) \(rule)")
        #expect(try bench.refusal("web") == .noPolicyAllows)
      }
    }
  }

  // MARK: What cannot be enforced is closed

  /// Every part that takes a waypoint, beside what layer 4 can ask.
  static let requestParts = [
    "{from: [{source: {namespaces: [production], requestPrincipals: [a/b]}}]}",
    "{from: [{source: {namespaces: [production], notRequestPrincipals: [\"*\"]}}]}",
    "{from: [{source: {namespaces: [production], remoteIpBlocks: [10.0.0.0/8]}}]}",
    "{from: [{source: {namespaces: [production], notRemoteIpBlocks: [10.0.0.0/8]}}]}",
    "{from: [{source: {namespaces: [production]}}], to: [{operation: {methods: [GET]}}]}",
    "{from: [{source: {namespaces: [production]}}], "
      + "to: [{operation: {notMethods: [GET], ports: [\"8080\"]}}]}",
    "{from: [{source: {namespaces: [production]}}], to: [{operation: {paths: [/a]}}]}",
    "{from: [{source: {namespaces: [production]}}], "
      + "to: [{operation: {notPaths: [/a]}}, {operation: {ports: [\"1\"]}}]}",
    "{from: [{source: {namespaces: [production]}}], to: [{operation: {hosts: [a]}}]}",
    "{from: [{source: {namespaces: [production]}}], to: [{operation: {notHosts: [a]}}]}",
    "{from: [{source: {namespaces: [production]}}], when: [{key: \"request.headers[a]\", values: [a]}]}",
    "{from: [{source: {namespaces: [production]}}], when: [{key: request.auth.principal, notValues: [a]}]}",
    "{from: [{source: {namespaces: [production]}}], when: [{key: remote.ip, values: [10.0.0.0/8]}]}",
    "{from: [{source: {namespaces: [production]}}], when: [{key: connection.sni, values: [a]}]}",
    "{from: [{source: {namespaces: [production]}}], "
      + "when: [{key: source.trustDomain, values: [\"*.local\"]}]}",
  ]

  /// Of a control plane that can start no waypoint.
  private static let alone: CompileOptions = {
    var options = CompileOptions()
    options.hasWaypoints = false
    return options
  }()

  @Test(arguments: requestParts)
  func anAllowLosesTheRuleAndADenyLosesTheTerm(rule: String) throws {
    let allow = try PolicyBench(policy("p", rules: "[\(rule)]"), options: Self.alone)
    #expect(try allow.refusal("order") == .noPolicyAllows)
    #expect(allow.findings.filter { $0.code == .beyondLayer4 && $0.severity == .error }.count == 1)
    #expect(!allow.findings.preventUse)
    let deny = try PolicyBench(policy("p", action: "DENY", rules: "[\(rule)]"), options: Self.alone)
    #expect(try deny.refusal("order") == .policy("production/p"))
    #expect(try deny.refusal("stranger") == nil)
    let finding = try #require(deny.findings.first { $0.code == .beyondLayer4 })
    #expect(finding.object == "AuthorizationPolicy production/p")
    #expect(finding.message.hasPrefix("spec.rules[0]."))
    #expect(finding.line > 0 && !finding.remedy.isEmpty)
    let custom = try PolicyBench(
      policy("p", action: "CUSTOM", rules: "[\(rule)]").replacing(
        "action: CUSTOM", with: "action: CUSTOM, provider: {name: x}"))
    #expect(try custom.refusal("order") == .policy("production/p"))
    #expect(try custom.refusal("stranger") == nil)
  }

  @Test func aDenyOfRequestsAloneDeniesAll() throws {
    for rule in ["{to: [{operation: {paths: [/admin]}}]}", "{from: [{source: {requestPrincipals: [a/b]}}]}"] {
      let bench = try PolicyBench(policy("p", action: "DENY", rules: "[\(rule)]"))
      #expect(try bench.refusal("order") == .policy("production/p"))
      #expect(try bench.refusal("plain") == .policy("production/p"))
    }
  }

  @Test func anotherRuleOfAnAllowStays() throws {
    let rules = "[{to: [{operation: {paths: [/a]}}]}, {from: [{source: {serviceAccounts: [order-sa]}}]}]"
    let bench = try PolicyBench(policy("p", rules: rules))
    #expect(try bench.refusal("order") == nil)
    #expect(try bench.refusal("web") == .noPolicyAllows)
    #expect(bench.mesh.ruleOrigins["production/p"]?.count == 1)
  }

  @Test func aTargetBindsThePodsBehindTheService() throws {
    let service = """
      apiVersion: v1
      kind: Service
      metadata: {name: payment, namespace: production}
      spec: {selector: {app: payment}, ports: [{port: 80, targetPort: 8080}]}
      ---

      """
    let target = policy("p", rules: "[]").replacing(
      "rules:", with: "targetRefs: [{kind: Service, group: \"\", name: payment}], rules:")
    let bench = try PolicyBench(service + target, options: Self.alone)
    #expect(try bench.refusal("order") == .noPolicyAllows)
    #expect(try bench.refusal("order", to: "ledger") == nil)
    #expect(bench.findings.contains { $0.code == .beyondLayer4 && $0.isContained })
    // Of a service that is not there nobody knows whom it may bind.
    let unknown = try PolicyBench(target)
    #expect(try unknown.refusal("order", to: "ledger") == .noPolicyAllows)
  }

  /// Whatever is broken, whom the policy may bind is closed, and the rest of the set is used.
  @Test(arguments: [
    ("{rules: [{form: []}]}", true), ("{action: ALOW, rules: [{}]}", true), ("{action: DENY}", true),
    ("{selector: {matchLabels: {app: payment}}, rules: [{from: [{source: {}}]}]}", false),
    ("{selector: {matchLabels: {app: \"pay*\"}}, rules: [{}]}", true),
    ("{selecter: {matchLabels: {app: payment}}, rules: [{}]}", true),
    ("{rules: [{when: [{key: source.port, values: [a]}]}]}", true), ("[]", true),
    ("{rules: {}}", true), ("{rules: [~]}", true), ("{action: CUSTOM, rules: [{}]}", true),
  ])
  func whatCannotBeReadIsClosed(spec: String, isWide: Bool) throws {
    let head = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
    let text = head + "metadata: {name: p, namespace: production}\nspec: \(spec)"
    let bench = try PolicyBench(text)
    #expect(try bench.refusal("order") == .policy("production/p"), "\(bench.findings)")
    #expect(try bench.refusal("order", to: "ledger") == (isWide ? .policy("production/p") : nil))
    #expect(bench.findings.contains { $0.code == .closedPolicy && $0.severity == .error })
    #expect(bench.findings.containsErrors && !bench.findings.preventUse, "\(bench.findings)")
    let audit = try PolicyBench(text.replacing("spec: {", with: "spec: {action: AUDIT, unknown: 1, "))
    if spec.hasPrefix("{"), !spec.contains("action") { #expect(try audit.refusal("order") == nil) }
  }

  @Test func theEarlierVersionStaysWhereThereIsOne() throws {
    let good = ManifestSet.load(files: [ManifestFile(path: "a.yaml", text: policy("p", rules: "[]"))]).objects
    var (bad, _) = ManifestSet.load(files: [
      ManifestFile(
        path: "a.yaml",
        text: policy("p", rules: "[{form: []}]") + "\n---\n" + policy("q", rules: "[{form: []}]"))
    ])
    let findings = bad.keepReadablePolicies(of: good)
    #expect(findings.map(\.code) == [.keptPolicy])
    #expect(bad.authorizationPolicies.map(\.isWhole) == [true, false])
    #expect(!findings.preventUse)
  }

  @Test func protectionOutsideTheMeshIsReported() throws {
    let pod = """
      apiVersion: v1
      kind: Pod
      metadata: {name: a, namespace: legacy, labels: {app: a}}
      spec: {containers: [{name: c}]}
      ---

      """
    let bench = try PolicyBench(pod + policy("p", namespace: "legacy", selector: "app: a", rules: "[]"))
    #expect(bench.findings.contains { $0.code == .policyNotEnrolled && $0.severity == .warning })
  }
}

/// The manifest of one policy.
func policy(
  _ name: String, namespace: String = "production", selector: String? = nil, action: String = "ALLOW",
  rules: String, dryRun: Bool = false
) -> String {
  let labels = selector.map { "selector: {matchLabels: {\($0)}}, " } ?? ""
  let annotations = dryRun ? ", annotations: {istio.io/dry-run: \"true\"}" : ""
  return """
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata: {name: \(name), namespace: \(namespace)\(annotations)}
    spec: {\(labels)action: \(action), rules: \(rules)}
    """
}
