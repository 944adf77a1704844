import Testing

@testable import Manifests

/// One field of a kind, as it is written in an object that is otherwise valid, and what must come of it.
struct FieldCase: Sendable, CustomTestStringConvertible {
  enum Outcome: Sendable {
    /// The mesh that is compiled is another one, and nobody is warned.
    case effect
    /// An error names the field: the object is not in force.
    case rejected(FindingCode)
    /// A finding names the field, or what it says, and nothing else comes of it.
    case told(FindingCode)
    /// It has an effect, and a finding that names it.
    case effectAndTold(FindingCode)
    /// What it asks is so anyway: nothing comes of it and nothing is said.
    case always
  }

  /// By which findings name it; the last part of its path.
  let field: String
  let text: String
  let without: String
  let outcome: Outcome

  var testDescription: String { "\(field): \(text)" }

  init(_ field: String, _ text: String, without: String = "", _ outcome: Outcome) {
    self.field = field
    self.text = text
    self.without = without
    self.outcome = outcome
  }

  /// Compiles the object with the field and without it.
  func check(_ template: (String) -> String, also: String = "") throws {
    let with = try TrafficBench(template(text), also)
    let base = try TrafficBench(template(without), also)
    func key(_ finding: Finding) -> String { "\(finding.severity) \(finding.code) \(finding.message)" }
    let known = Set(base.findings.map(key))
    let said = with.findings.filter { !known.contains(key($0)) }
    let differs = with.mesh != base.mesh
    let isNamed = { (code: FindingCode, severity: Finding.Severity?) in
      said.contains {
        $0.code == code && (severity == nil || $0.severity == severity) && $0.message.contains(field)
      }
    }
    #expect(base.findings.allSatisfy { $0.severity < .error }, "the rest is valid: \(base.findings)")
    switch outcome {
    case .effect: #expect(differs && said.allSatisfy { $0.severity == .info }, "ignored, or \(said)")
    case .always: #expect(!differs && said.isEmpty, "\(said)")
    case .rejected(let code): #expect(isNamed(code, .error), "not rejected by name: \(said)")
    case .told(let code): #expect(isNamed(code, nil) && !differs, "not said: \(said)")
    case .effectAndTold(let code):
      #expect(isNamed(code, nil) && differs, "not said, or ignored: \(said)")
      #expect(said.allSatisfy { $0.severity < .error }, "\(said)")
    }
  }
}

/// One case for each field, by kind.
enum AuditedFields {}

/// Every field of the kinds that are read: nothing that somebody writes is passed over in silence.
@Suite struct FieldAudit {
  static func object(_ kind: String, _ api: String, _ name: String, _ spec: String) -> String {
    "{apiVersion: \(api), kind: \(kind), metadata: {name: \(name), namespace: production}, spec: {\(spec)}}"
  }

  /// Fields with a comma before them, where there is something.
  private static func more(_ text: String) -> String { text.isEmpty ? "" : ", \(text)" }

  private static func virtualService(_ spec: String) -> String {
    object("VirtualService", "networking.istio.io/v1", "orders", "hosts: [order-service]" + more(spec))
  }

  private static func rule(_ name: String, _ spec: String) -> String {
    object("DestinationRule", "networking.istio.io/v1", name, "host: order-service" + more(spec))
  }

  private static let subsets = rule("subsets", "subsets: [{name: v1, labels: {version: v1}}]")
  private static let guarded = "connectionPool: {http: {maxRetries: 9}}"

  // MARK: VirtualService

  @Test(arguments: AuditedFields.virtualServiceFields) func virtualService(_ one: FieldCase) throws {
    try one.check({ Self.virtualService($0) }, also: Self.subsets)
  }

  @Test(arguments: AuditedFields.ruleFields) func ruleOfVirtualService(_ one: FieldCase) throws {
    try one.check(
      { text in
        let hasAction = text.contains("route:") || text.contains("directResponse")
        return Self.virtualService("http: [{\(hasAction ? "" : Self.route)\(text)}]")
      }, also: Self.subsets)
  }

  private static let route = "route: [{destination: {host: order-service}}], "

  @Test(arguments: AuditedFields.matchFields) func match(_ one: FieldCase) throws {
    try one.check { Self.virtualService("http: [{\(Self.route)match: [{\($0)}]}]") }
  }

  @Test(arguments: AuditedFields.destinationFields) func destination(_ one: FieldCase) throws {
    let other = "{destination: {host: payment-service}, weight: 1}"
    try one.check(
      { Self.virtualService("http: [{route: [\(other), {\($0)}]}]") },
      also: Self.subsets)
  }

  @Test(arguments: AuditedFields.redirectFields) func redirect(_ one: FieldCase) throws {
    try one.check { Self.virtualService("http: [{redirect: {\($0)}}]") }
  }

  @Test(arguments: AuditedFields.answerFields) func directResponse(_ one: FieldCase) throws {
    try one.check { Self.virtualService("http: [{directResponse: {\($0)}}]") }
  }

  @Test(arguments: AuditedFields.faultFields) func fault(_ one: FieldCase) throws {
    try one.check { Self.virtualService("http: [{\(Self.route)fault: {\($0)}}]") }
  }

  @Test(arguments: AuditedFields.retryFields) func retries(_ one: FieldCase) throws {
    try one.check { Self.virtualService("http: [{\(Self.route)retries: {attempts: 5\(Self.more($0))}}]") }
  }

  @Test(arguments: AuditedFields.corsFields) func cors(_ one: FieldCase) throws {
    try one.check { Self.virtualService("http: [{\(Self.route)corsPolicy: {\($0)}}]") }
  }

  @Test(arguments: AuditedFields.connectionFields) func connections(_ one: FieldCase) throws {
    try one.check { Self.virtualService("http: [{\(Self.route)}], tcp: [{\($0)}]") }
  }

  // MARK: DestinationRule

  @Test(arguments: AuditedFields.destinationRuleFields) func destinationRule(_ one: FieldCase) throws {
    try one.check({ Self.rule("rule", $0) }, also: Self.virtualService("http: [{\(Self.route)}]"))
  }

  @Test(arguments: AuditedFields.policyFields) func trafficPolicy(_ one: FieldCase) throws {
    try one.check { Self.rule("rule", "trafficPolicy: {\(Self.guarded)\(Self.more($0))}") }
  }

  @Test(arguments: AuditedFields.poolFields) func connectionPool(_ one: FieldCase) throws {
    try one.check { Self.rule("rule", "trafficPolicy: {connectionPool: {\($0)}, outlierDetection: {}}") }
  }

  @Test(arguments: AuditedFields.outlierFields) func outlierDetection(_ one: FieldCase) throws {
    try one.check { Self.rule("rule", "trafficPolicy: {\(Self.guarded), outlierDetection: {\($0)}}") }
  }

  // MARK: Routes

  @Test(arguments: AuditedFields.routeFields) func httpRoute(_ one: FieldCase) throws {
    try one.check { text in
      let parents = text.contains("parentRefs") ? "" : "\(Self.parent), "
      let rules = text.contains("rules:") ? "" : "rules: [{\(Self.backend)}]"
      return Self.object(
        "HTTPRoute", "gateway.networking.k8s.io/v1", "orders",
        [parents + rules, text].filter { !$0.isEmpty }.joined(separator: rules.isEmpty ? "" : ", "))
    }
  }

  private static let parent = "parentRefs: [{group: \"\", kind: Service, name: order-service}]"
  private static let backend = "backendRefs: [{name: order-service, port: 80}]"

  @Test(arguments: AuditedFields.routeRuleFields) func ruleOfRoute(_ one: FieldCase) throws {
    try one.check { text in
      let backend = text.contains("backendRefs") ? "" : Self.backend + ", "
      return Self.object(
        "HTTPRoute", "gateway.networking.k8s.io/v1", "orders", "\(Self.parent), rules: [{\(backend)\(text)}]")
    }
  }

  @Test(arguments: AuditedFields.filterFields) func filter(_ one: FieldCase) throws {
    try one.check { text in
      let backend = text.contains("RequestRedirect") ? "" : Self.backend + ", "
      return Self.object(
        "HTTPRoute", "gateway.networking.k8s.io/v1", "orders",
        "\(Self.parent), rules: [{\(backend)filters: [\(text)]}]")
    }
  }

  @Test(arguments: AuditedFields.callFields) func grpcRoute(_ one: FieldCase) throws {
    try one.check {
      Self.object(
        "GRPCRoute", "gateway.networking.k8s.io/v1", "orders",
        "\(Self.parent), rules: [{\(Self.backend)\(Self.more($0))}]")
    }
  }

  // MARK: Policies

  @Test(arguments: AuditedFields.sourceFields) func source(_ one: FieldCase) throws {
    try one.check { Self.policy("rules: [{from: [{source: {namespaces: [production]\(Self.more($0))}}]}]") }
  }

  @Test(arguments: AuditedFields.accountFields) func account(_ one: FieldCase) throws {
    try one.check { Self.policy("rules: [{from: [{source: {ipBlocks: [10.0.0.1]\(Self.more($0))}}]}]") }
  }

  @Test(arguments: AuditedFields.operationFields) func operation(_ one: FieldCase) throws {
    try one.check { Self.policy("rules: [{to: [{operation: {ports: [\"1\"]\(Self.more($0))}}]}]") }
  }

  @Test(arguments: AuditedFields.conditions) func condition(_ one: FieldCase) throws {
    try one.check { Self.policy("rules: [{from: [{source: {namespaces: [production]}}]\(Self.more($0))}]") }
  }

  @Test(arguments: AuditedFields.authorizationFields) func authorizationPolicy(_ one: FieldCase) throws {
    try one.check { Self.policy("rules: [{to: [{operation: {methods: [GET]}}]}]\(Self.more($0))") }
  }

  private static func policy(_ spec: String) -> String {
    object("AuthorizationPolicy", "security.istio.io/v1", "policy", spec)
  }

  @Test(arguments: AuditedFields.authenticationFields) func requestAuthentication(_ one: FieldCase) throws {
    try one.check {
      Self.object(
        "RequestAuthentication", "security.istio.io/v1", "tokens",
        "jwtRules: [{issuer: i, jwksUri: \"https://i.example/keys\"\(Self.more($0))}]")
    }
  }

  @Test(arguments: AuditedFields.tokenScopes) func scopeOfTokens(_ one: FieldCase) throws {
    try one.check {
      Self.object("RequestAuthentication", "security.istio.io/v1", "tokens", $0)
    }
  }

  @Test(arguments: AuditedFields.peerFields) func peerAuthentication(_ one: FieldCase) throws {
    try one.check {
      Self.object(
        "PeerAuthentication", "security.istio.io/v1", "peers",
        "selector: {matchLabels: {app: order-service}}\(Self.more($0))")
    }
  }

  // MARK: Telemetry

  @Test(arguments: AuditedFields.telemetryFields) func telemetry(_ one: FieldCase) throws {
    try one.check { Self.telemetry($0) }
  }

  @Test(arguments: AuditedFields.loggingFields) func accessLogging(_ one: FieldCase) throws {
    try one.check { Self.telemetry("accessLogging: [{\($0)}]") }
  }

  @Test(arguments: AuditedFields.tracingFields) func tracing(_ one: FieldCase) throws {
    try one.check { Self.telemetry("tracing: [{\($0)}]") }
  }

  @Test(arguments: AuditedFields.metricsFields) func metrics(_ one: FieldCase) throws {
    try one.check { Self.telemetry("metrics: [{\($0)}]") }
  }

  @Test(arguments: AuditedFields.overrideFields) func override(_ one: FieldCase) throws {
    try one.check { Self.telemetry("metrics: [{overrides: [{\($0)}]}]") }
  }

  private static func telemetry(_ spec: String) -> String {
    object("Telemetry", "telemetry.istio.io/v1", "telemetry", spec)
  }

  // MARK: Sidecar and ReferenceGrant

  @Test(arguments: AuditedFields.sidecarFields) func sidecar(_ one: FieldCase) throws {
    try one.check { Self.object("Sidecar", "networking.istio.io/v1", "scope", $0) }
  }

  @Test(arguments: AuditedFields.grantFields) func referenceGrant(_ one: FieldCase) throws {
    let route = Self.object(
      "HTTPRoute", "gateway.networking.k8s.io/v1", "orders",
      "\(Self.parent), rules: [{backendRefs: [{name: old, namespace: legacy, port: 80}]}]")
    try one.check(
      {
        "{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, "
          + "metadata: {name: grant, namespace: legacy}, spec: {\($0)}}"
      }, also: route)
  }
}
