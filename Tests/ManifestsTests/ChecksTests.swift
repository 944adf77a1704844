import Testing

@testable import Manifests

/// What an `apus check` of this ecosystem is expected to find, one case for each: the mistake, and the code
/// under which it is found. ServiceEntry, of which nothing is read, has none.
@Suite struct ChecksTests {
  typealias Bench = TrafficBench

  struct Mistake: Sendable, CustomTestStringConvertible {
    let name: String
    let code: FindingCode
    let manifests: String

    var testDescription: String { name }

    init(_ name: String, _ code: FindingCode, _ manifests: String) {
      (self.name, self.code, self.manifests) = (name, code, manifests)
    }
  }

  private static func virtual(_ http: String, hosts: String = "order-service") -> String {
    FieldAudit.object(
      "VirtualService", "networking.istio.io/v1", "a", "hosts: [\(hosts)], http: [{\(http)}]")
  }

  private static func rule(_ spec: String) -> String { Bench.rule("b", spec: spec) }

  private static func policy(_ spec: String) -> String {
    FieldAudit.object("AuthorizationPolicy", "security.istio.io/v1", "p", spec)
  }

  private static let to = "route: [{destination: {host: order-service}}]"
  private static let both = "{destination: {host: order-service}, weight"

  static let ofVirtualServices: [Mistake] = [
    Mistake(
      "no http, tcp or tls", .noAction,
      FieldAudit.object("VirtualService", "networking.istio.io/v1", "a", "hosts: [order-service]")),
    Mistake("every host on mesh", .invalidValue, virtual(to, hosts: "\"*\"")),
    Mistake("a host twice", .invalidValue, virtual(to, hosts: "order-service, order-service")),
    Mistake(
      "hosts that overlap", .invalidValue,
      virtual(to, hosts: "\"*.svc.cluster.local\", order-service.production.svc.cluster.local")),
    Mistake("route and redirect", .exclusiveFields, virtual("\(to), redirect: {uri: /}")),
    Mistake(
      "redirect and fault", .exclusiveFields,
      virtual("redirect: {uri: /}, fault: {abort: {httpStatus: 503, percentage: {value: 1}}}")),
    Mistake("redirect and rewrite", .exclusiveFields, virtual("redirect: {uri: /}, rewrite: {uri: /}")),
    Mistake(
      "redirect and answer", .exclusiveFields, virtual("redirect: {uri: /}, directResponse: {status: 200}")),
    Mistake("no action", .noAction, virtual("timeout: 1s")),
    Mistake(
      "mirror and mirrors", .exclusiveFields,
      virtual("\(to), mirror: {host: order-service}, mirrors: [{destination: {host: order-service}}]")),
    Mistake("no RE2", .badExpression, virtual("\(to), match: [{uri: {regex: \"(?=a)\"}}]")),
    Mistake(
      "an expression too long", .invalidValue,
      virtual("\(to), match: [{uri: {regex: \"\(String(repeating: "a", count: 1_025))\"}}]")),
    Mistake("an empty prefix", .invalidValue, virtual("\(to), match: [{headers: {a: {prefix: \"\"}}}]")),
    Mistake("no weight in all", .zeroWeight, virtual("route: [\(both): 0}, \(both): 0}]")),
    Mistake("a weight below zero", .invalidValue, virtual("route: [\(both): -1}, \(both): 1}]")),
    Mistake("an unknown retryOn", .invalidValue, virtual("\(to), retries: {attempts: 1, retryOn: often}")),
    Mistake(
      "spaces in retryOn", .invalidValue, virtual("\(to), retries: {attempts: 1, retryOn: \"5xx, reset\"}")),
    Mistake(
      "retries without attempts", .invalidValue, virtual("\(to), retries: {attempts: 0, perTryTimeout: 1s}")),
    Mistake("a status of HTTP", .invalidValue, virtual("directResponse: {status: 600}")),
    Mistake("a fault of nothing", .noAction, virtual("\(to), fault: {}")),
    Mistake(
      "more than all", .invalidValue,
      virtual("\(to), fault: {abort: {httpStatus: 503, percentage: {value: 101}}}")),
    Mistake(
      "the authority twice", .exclusiveFields,
      virtual("\(to), rewrite: {authority: a}, headers: {request: {set: {host: b}}}")),
    Mistake("less than a millisecond", .invalidValue, virtual("\(to), timeout: 100us")),
    Mistake("a host of nobody", .unknownHost, virtual("route: [{destination: {host: nobody}}]")),
    Mistake(
      "a subset of nobody", .unknownSubset,
      virtual("route: [{destination: {host: order-service, subset: z}}]")),
    Mistake("two for one host", .sharedHost, virtual(to) + "\n---\n" + Bench.routing("z")),
    Mistake(
      "a port of nobody", .unknownPort,
      virtual("route: [{destination: {host: order-service, port: {number: 81}}}]")),
    Mistake(
      "a port that says nothing of itself", .undeclaredProtocol,
      "{apiVersion: v1, kind: Service, metadata: {name: quiet, namespace: production}, "
        + "spec: {selector: {app: order-service}, ports: [{name: api, port: 80}]}}\n---\n"
        + Bench.routing("q", hosts: "quiet", to: "quiet")),
    Mistake(
      "a rule behind one for all", .unreachableRule,
      FieldAudit.object(
        "VirtualService", "networking.istio.io/v1", "a", "hosts: [order-service], http: [{\(to)}, {\(to)}]")),
    Mistake(
      "a match twice", .unreachableRule,
      FieldAudit.object(
        "VirtualService", "networking.istio.io/v1", "a",
        "hosts: [order-service], http: [{match: [{uri: {exact: /a}}], \(to)}, "
          + "{match: [{uri: {exact: /a}}], \(to)}]")),
  ]

  static let ofOthers: [Mistake] = [
    Mistake("a subset twice", .duplicateSubset, rule("subsets: [{name: a}, {name: a}]")),
    Mistake("a policy of nothing", .emptyPolicy, rule("trafficPolicy: {}")),
    Mistake(
      "local errors without splitting", .invalidValue,
      rule("trafficPolicy: {outlierDetection: {consecutiveLocalOriginFailures: 1}}")),
    Mistake(
      "a table that is not prime", .invalidValue,
      rule(
        "trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: a, maglev: {tableSize: 100}}}}")),
    Mistake("a subset without pods", .emptySubset, rule("subsets: [{name: z, labels: {version: z}}]")),
    Mistake("a rule for nobody", .unknownHost, Bench.rule("b", host: "nobody", spec: "subsets: []")),
    Mistake("DENY without rules", .neverMatches, policy("action: DENY")),
    Mistake("CUSTOM without rules", .neverMatches, policy("action: CUSTOM, provider: {name: a}")),
    Mistake("an empty from", .missingField, policy("rules: [{from: []}]")),
    Mistake("an empty to", .missingField, policy("rules: [{to: []}]")),
    Mistake("an empty source", .missingField, policy("rules: [{from: [{source: {}}]}]")),
    Mistake("an unknown condition", .unknownCondition, policy("rules: [{when: [{key: a, values: [b]}]}]")),
    Mistake(
      "a template that ends nowhere", .invalidValue,
      policy("rules: [{to: [{operation: {paths: [\"/{**}/{*}\"]}}]}]")),
    Mistake(
      "targets and a selector", .invalidValue,
      policy(
        "rules: [{}], selector: {matchLabels: {app: web}}, "
          + "targetRefs: [{kind: Service, group: \"\", name: a}]"
      )),
    Mistake("who selects nobody", .emptySelection, policy("rules: [{}], selector: {matchLabels: {app: z}}")),
    Mistake(
      "ports without a selector", .portsWithoutSelector,
      FieldAudit.object(
        "PeerAuthentication", "security.istio.io/v1", "m", "portLevelMtls: {80: {mode: STRICT}}")),
    Mistake(
      "what is of no use here", .sidecarScope,
      FieldAudit.object("Sidecar", "networking.istio.io/v1", "s", "egress: [{hosts: [\"./*\"]}]")),
  ]

  @Test(arguments: ofVirtualServices + ofOthers) func isFound(_ mistake: Mistake) throws {
    let findings = try Bench(mistake.manifests).findings
    let found = findings.filter { $0.code == mistake.code }
    #expect(!found.isEmpty, "found instead: \(findings)")
    #expect(found.allSatisfy { $0.line > 0 && !$0.object.isEmpty }, "\(found)")
  }

  /// The same without the mistakes is clean, so that none of the findings above is one of the bench.
  @Test func whatIsRightIsNotFound() throws {
    let bench = try Bench(
      Self.virtual(Self.to), Self.rule("subsets: [{name: v1, labels: {version: v1}}]"),
      Self.policy("rules: [{to: [{operation: {methods: [GET]}}]}]"))
    #expect(bench.findings.isEmpty, "\(bench.findings)")
  }
}
