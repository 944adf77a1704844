import MeshModel
import Testing

@testable import Manifests

/// Which waypoints there are, why, and who is bound to them.
@Suite struct WaypointTests {
  typealias Bench = TrafficBench

  private func seed(hasWaypoints: Bool = true) throws -> Bench {
    let names = ["resilience", "security-policies", "sidecar-scope", "traffic-rules"]
    return Bench(files: try names.map { try golden("seed/\($0).yaml") }, hasWaypoints: hasWaypoints)
  }

  @Test func theSeedsRulesAsWritten() throws {
    let key = Bench.key("order-service")
    var waypoint = try #require(try seed().waypoint("order-service-sa"))
    #expect(waypoint.authorizations.map(\.key) == ["istio-system/istio_converted_static_strict"])
    waypoint.authorizations = []
    #expect(
      waypoint
        == WaypointConfiguration(
          waypoint: WaypointName(namespace: "production", serviceAccount: "order-service-sa"),
          services: [
            ServiceTraffic(
              service: key, protocols: [PortProtocol(port: 80, speaks: .http1)],
              rules: [
                RouteRule(
                  origin: "VirtualService production/order-service http[0]",
                  matches: [RequestMatch(headers: [FieldMatch("x-canary-test", .exact("true"))])],
                  action: .forward(Forward(backends: [Backend(service: key, subset: "v2")]))),
                RouteRule(
                  origin: "VirtualService production/order-service http[1]",
                  action: .forward(
                    Forward(backends: [
                      Backend(service: key, subset: "v1", weight: 95),
                      Backend(service: key, subset: "v2", weight: 5),
                    ])),
                  timeout: 3_000,
                  retry: RetryRule(
                    attempts: 3, perTryTimeout: 1_000,
                    conditions: [.gatewayError, .connectFailure, .refusedStream])),
              ], fallsThrough: false)
          ],
          destinations: [
            DestinationTraffic(
              service: key, origin: "DestinationRule production/order-service",
              subsets: ["v1", "v2"].map { .init(name: $0, labels: ["version": $0], policy: TrafficPolicy()) })
          ],
          reasons: ["VirtualService production/order-service routes requests to \(key.hostname)"]))
  }

  @Test func theSeedsResilienceAndPolicyAsWritten() throws {
    let key = Bench.key("payment-service")
    var waypoint = try #require(try seed().waypoint("payment-service-sa"))
    #expect(
      waypoint.authorizations.map(\.key) == [
        "istio-system/istio_converted_static_strict", "production/payment-service-authz",
      ])
    // Whole, with what it asks of requests; the agents' copy allows nothing.
    #expect(waypoint.authorizations.last?.rules.count == 1)
    waypoint.authorizations = []
    var policy = TrafficPolicy()
    policy.pool.maxPendingRequests = 100
    var outliers = OutlierDetection()
    (outliers.interval, outliers.baseEjectionTime, outliers.maxEjectionPercent) = (1_000, 5_000, 50)
    policy.outliers = outliers
    #expect(
      waypoint
        == WaypointConfiguration(
          waypoint: WaypointName(namespace: "production", serviceAccount: "payment-service-sa"),
          services: [ServiceTraffic(service: key, protocols: [PortProtocol(port: 80, speaks: .http1)])],
          destinations: [
            DestinationTraffic(
              service: key, origin: "DestinationRule production/payment-service", policy: policy)
          ],
          reasons: [
            "DestinationRule production/payment-service guards the endpoints of \(key.hostname)",
            "AuthorizationPolicy production/payment-service-authz asks for methods, paths",
          ]))
  }

  @Test func nothingIsWrongWithTheSeed() throws {
    let findings = try seed().findings.filter { $0.severity > .info }
    #expect(findings.isEmpty, "\(findings)")
    #expect(
      try seed().mesh.waypoints.map(\.waypoint.serviceAccount) == ["order-service-sa", "payment-service-sa"])
  }

  @Test func whoIsBehindAWaypointIsBoundToIt() throws {
    let mesh = try seed().mesh
    let order = Bench.key("order-service-sa-waypoint")
    let payment = Bench.key("payment-service-sa-waypoint")
    let bound = Dictionary(mesh.workloads.map { ($0.name, $0.waypoint) }) { first, _ in first }
    #expect(bound == ["order-1": order, "order-2": order, "payment-1": payment, "web-1": nil, "old-1": nil])
    #expect(mesh.services.first { $0.name == "order-service" }?.waypoint == order)
    #expect(mesh.services.first { $0.name == "payment-service" }?.waypoint == payment)
    #expect(mesh.services.first { $0.name == "old" }?.waypoint == nil)
    let service = try #require(mesh.services.first { $0.key == payment })
    #expect(service.addresses.isEmpty && service.waypoint == nil)
    #expect(service.ports == [PortMapping(servicePort: 15_008, targetPort: 15_008)])
    #expect(
      service.subjectAltNames.map(\.description) == [
        "spiffe://cluster.local/ns/production/sa/payment-service-sa-waypoint"
      ])
    let labels = Dictionary(mesh.workloads.map { ($0.name, $0.subsetLabels) }) { first, _ in first }
    #expect(labels["order-2"] == ["version": "v2"] && labels["payment-1"] == [:])
  }

  @Test func withoutWaypointsNothingIsBound() throws {
    let mesh = try seed(hasWaypoints: false).mesh
    #expect(mesh.waypoints.isEmpty)
    #expect(mesh.workloads.allSatisfy { $0.waypoint == nil && $0.subsetLabels.isEmpty })
    #expect(mesh.services.allSatisfy { $0.waypoint == nil && !$0.name.hasSuffix("-waypoint") })
  }

  @Test func podsOfAWaypointBackItsService() throws {
    let label = ", gateway.istio.io/managed: apus"
    let bench = try Bench(
      Bench.routing("a"),
      Bench.pod("wp-1", "wp", "v1", "10.244.0.9", account: "order-service-sa-waypoint", labels: label),
      Bench.pod("wp-2", "wp", "v1", "10.244.0.10", account: "order-service-sa-waypoint"))
    let service = Bench.key("order-service-sa-waypoint")
    let pod = try #require(bench.mesh.workloads.first { $0.name == "wp-1" })
    #expect(pod.services == [service: [PortMapping(servicePort: 15_008, targetPort: 15_008)]])
    #expect(pod.tunnelProtocol == .hbone && pod.waypoint == nil)
    #expect(bench.mesh.workloads.first { $0.name == "wp-2" }?.services.isEmpty == true)
  }

  // MARK: Why

  private static let orders = "order-service.production.svc.cluster.local"
  private static func policy(_ spec: String, _ namespace: String = "production") -> String {
    """
    {apiVersion: security.istio.io/v1, kind: AuthorizationPolicy,
     metadata: {name: p, namespace: \(namespace)}, spec: {\(spec)}}
    """
  }
  private static let methods = "rules: [{to: [{operation: {methods: [GET], paths: [/a]}}]}]"
  private static func labelled(_ kind: String, _ name: String, _ value: String) -> String {
    """
    {apiVersion: v1, kind: \(kind), metadata: {name: \(name), namespace: production,
     labels: {istio.io/use-waypoint: \(value)}},
     spec: {selector: {app: payment-service}, ports: [{port: 81}]}}
    """
  }

  @Test(arguments: [
    ("", []),
    (
      Bench.routing("a"),
      [
        "order-service-sa: VirtualService production/a routes requests to \(orders)"
      ]
    ),
    (Bench.rule("a", spec: "subsets: [{name: v1, labels: {version: v1}}]"), []),
    (Bench.rule("a", spec: "trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}"), []),
    (
      Bench.rule("a", spec: "trafficPolicy: {outlierDetection: {}}"),
      [
        "order-service-sa: DestinationRule production/a guards the endpoints of \(orders)"
      ]
    ),
    (
      policy("selector: {matchLabels: {app: web}}, \(methods)"),
      ["web-sa: AuthorizationPolicy production/p asks for methods, paths"]
    ),
    (
      policy("action: CUSTOM, provider: {name: x}, selector: {matchLabels: {app: web}}, rules: [{}]"),
      ["web-sa: AuthorizationPolicy production/p asks an external authorizer"]
    ),
    (policy("selector: {matchLabels: {app: web}}, rules: [{from: [{source: {namespaces: [a]}}]}]"), []),
    (policy("action: AUDIT, \(methods)"), []),
    (policy(methods, "legacy"), []),
    (
      policy("targetRefs: [{kind: Service, group: \"\", name: payment-service}], rules: []"),
      ["payment-service-sa: AuthorizationPolicy production/p is for requests to a service"]
    ),
    (
      labelled("Service", "b", "payment-service-sa-waypoint"),
      ["payment-service-sa: Service production/b has the label istio.io/use-waypoint"]
    ),
    (labelled("Service", "b", "none"), []),
  ])
  func reasons(manifest: String, expected: [String]) throws {
    let reasons = try Bench(manifest).mesh.waypoints.map {
      "\($0.waypoint.serviceAccount): \($0.reasons.joined(separator: "; "))"
    }
    #expect(reasons == expected)
  }

  /// What is asked to run counts as much as what runs: a waypoint is there before its first pod.
  @Test func accountsAreKnownBeforeTheirPodsRun() throws {
    let early = """
      {apiVersion: apps/v1, kind: Deployment, metadata: {name: early, namespace: production},
       spec: {selector: {matchLabels: {app: early}}, template: {metadata: {labels: {app: early, version: v1}},
        spec: {serviceAccountName: web-sa, containers: [{name: c, ports: [{containerPort: 8080}]}]}}}}
      ---
      """
    let bench = try Bench(
      early + Bench.service("early"), Bench.routing("a", hosts: "early", to: "early", more: ", subset: v1"),
      Bench.rule("a", host: "early", spec: "subsets: [{name: v1, labels: {version: v1}}]"))
    #expect(bench.findings.isEmpty, "\(bench.findings)")
    #expect(bench.mesh.waypoints.map(\.waypoint.serviceAccount) == ["web-sa"])
    #expect(bench.traffic("early")?.backends == [[Backend(service: Bench.key("early"), subset: "v1")]])
    #expect(bench.mesh.services.first { $0.name == "early" }?.waypoint == Bench.key("web-sa-waypoint"))
    // Who runs as the account is behind its waypoint, whatever the rule is for.
    #expect(bench.mesh.workloads.first { $0.name == "web-1" }?.waypoint == Bench.key("web-sa-waypoint"))
  }

  @Test func aLabelOnAServiceOfNobodySaysSo() throws {
    let bench = try Bench(
      """
      {apiVersion: v1, kind: Service, metadata: {name: b, namespace: legacy,
       labels: {istio.io/use-waypoint: default-waypoint}}, spec: {selector: {app: old}, ports: [{port: 81}]}}
      """)
    #expect(bench.codes == ["APUS314"] && bench.mesh.waypoints.isEmpty)
  }

  @Test func aNamespaceMayAskForAll() throws {
    let namespace = """
      {apiVersion: v1, kind: Namespace, metadata: {name: busy,
       labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}}}
      ---
      """
    let out = ", istio.io/use-waypoint: none"
    let bench = try Bench(
      namespace + Bench.pod("a", "a", "v1", "10.244.1.1", in: "busy")
        + Bench.pod("b", "b", "v1", "10.244.1.2", in: "busy", labels: out))
    #expect(bench.mesh.waypoints.map(\.waypoint.description) == ["busy/a-sa"])
    #expect(
      bench.findings.filter { $0.severity > .info }.map(\.code) == [
        .unknownServiceAccount, .unknownServiceAccount,
      ])
    #expect(bench.findings.contains { $0.code == .foreignWaypoint && $0.message.contains("a-sa-waypoint") })
  }

  /// Whom a policy binds is not to say whether it is enforced.
  @Test func noneIsNoWayAroundAPolicy() throws {
    let bench = try Bench(
      Self.policy("selector: {matchLabels: {app: late}}, \(Self.methods)"),
      Bench.pod("late-1", "late", "v1", "10.244.1.1", labels: ", istio.io/use-waypoint: none"))
    #expect(bench.mesh.workloads.first { $0.name == "late-1" }?.waypoint != nil)
    #expect(bench.findings.contains { $0.code == .foreignWaypoint && $0.severity == .warning })
  }

  @Test func oneAccountStandsForAServiceOfSeveral() throws {
    let bench = try Bench(
      Bench.pod("order-3", "order-service", "v3", "10.244.1.1", account: "a-sa"), Bench.routing("a"),
      Self.policy("selector: {matchLabels: {version: v3}}, \(Self.methods)"),
      "{apiVersion: v1, kind: ServiceAccount, metadata: {name: a-sa, namespace: production}}")
    #expect(bench.mesh.services.first { $0.name == "order-service" }?.waypoint == Bench.key("a-sa-waypoint"))
    let bound = Dictionary(bench.mesh.workloads.map { ($0.name, $0.waypoint) }) { first, _ in first }
    #expect(bound["order-3"] == Bench.key("a-sa-waypoint") && bound["order-1"] == .some(nil))
    let finding = try #require(bench.findings.first { $0.code == .severalAccounts })
    #expect(finding.message.contains("a-sa, order-service-sa"))
  }

  /// Everything that a workload behind it may name, or the waypoint would deny for want of it.
  @Test func policiesTravelWhole() throws {
    let bench = try Bench(
      Bench.routing("a"), Self.policy("rules: [{}]"),
      """
      {apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: m, namespace: production},
       spec: {mtls: {mode: STRICT}}}
      """)
    let waypoint = try #require(bench.waypoint("order-service-sa"))
    let known = Set(waypoint.authorizations.map(\.key))
    #expect(known.contains("production/p"))
    for workload in bench.mesh.workloads where workload.waypoint != nil {
      #expect(known.isSuperset(of: workload.policies))
    }
  }
}
