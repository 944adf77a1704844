import MeshModel
import Testing

@testable import Manifests

/// RequestAuthentication from the manifest to what waypoints get.
@Suite struct RequestAuthenticationTests {
  private static func authentication(
    namespace: String = "production", _ spec: String = "",
    rules: String = "[{issuer: a, jwksUri: https://a.test/keys}]"
  ) -> String {
    """
    {apiVersion: security.istio.io/v1, kind: RequestAuthentication,
     metadata: {name: users, namespace: \(namespace)},
     spec: {\(spec)jwtRules: \(rules)}}
    """
  }

  private func authentications(_ bench: TrafficBench, _ account: String) -> [TokenAuthentication]? {
    bench.mesh.waypoints.first { $0.waypoint.serviceAccount == account }?.authentications
  }

  @Test func everyFieldOfARule() throws {
    let rule = """
      [{issuer: i, audiences: [x, y], jwks: '{"keys": [{}]}',
        fromHeaders: [{name: X-T, prefix: "T "}, {name: y}], fromParams: [p], fromCookies: [c],
        forwardOriginalToken: true, outputPayloadToHeader: X-P,
        outputClaimToHeaders: [{header: X-R, claim: a.b}], timeout: 2s}, {issuer: j, jwksUri: https://j/}]
      """
    let selector = "selector: {matchLabels: {app: payment-service}}, "
    let bench = try TrafficBench(Self.authentication(selector, rules: rule))
    let found = try #require(authentications(bench, "payment-service-sa")?.first)
    #expect(found.origin == "RequestAuthentication production/users" && found.namespace == "production")
    #expect(found.isSelective)
    // The workloads say what binds them, each with its own labels: whatever comes first is judged so.
    let bound = bench.mesh.workloads.filter { !$0.authentications.isEmpty }
    #expect(bound.map(\.name) == ["payment-1"] && bound.first?.authentications == [found.origin])
    #expect(
      found.issuers == [
        TokenIssuer(
          issuer: "i", audiences: ["x", "y"], keys: .inline("{\"keys\": [{}]}"),
          locations: [
            .header(name: "x-t", prefix: "T "), .header(name: "y", prefix: ""), .query("p"), .cookie("c"),
          ], forwardsToken: true, payloadHeader: "x-p", claimHeaders: [.init(header: "x-r", claim: "a.b")],
          timeout: 2_000),
        TokenIssuer(issuer: "j", keys: .uri("https://j/")),
      ])
  }

  /// Whom it binds needs a waypoint, and nobody else does.
  @Test(arguments: [
    ("selector: {matchLabels: {app: order-service}}, ", "production", ["order-service-sa"]),
    ("selector: {matchLabels: {app: order-service, version: v2}}, ", "production", ["order-service-sa"]),
    (
      "targetRefs: [{kind: Service, group: \"\", name: payment-service}], ", "production",
      ["payment-service-sa"]
    ),
    ("", "production", ["order-service-sa", "payment-service-sa", "web-sa"]),
    ("", "istio-system", ["order-service-sa", "payment-service-sa", "web-sa"]),
    ("selector: {matchLabels: {app: web}}, ", "istio-system", ["web-sa"]), ("", "legacy", []),
  ])
  func whomItBinds(spec: String, namespace: String, accounts: [String]) throws {
    let bench = try TrafficBench(Self.authentication(namespace: namespace, spec))
    #expect(bench.mesh.waypoints.map(\.waypoint.serviceAccount).sorted() == accounts)
    for waypoint in bench.mesh.waypoints {
      #expect(waypoint.authentications.count == 1)
      #expect(waypoint.authentications.first?.isSelective == !spec.isEmpty)
      #expect(waypoint.reasons == ["RequestAuthentication \(namespace)/users asks for tokens"])
    }
    if spec.contains("v2") {
      #expect(bench.mesh.workloads.filter { !$0.authentications.isEmpty }.map(\.name) == ["order-2"])
    }
  }

  /// One that cannot be read accepts no token, wherever it looked for one; the rest of the set is used.
  @Test func whatCannotBeReadAcceptsNobody() throws {
    let rules = "[{issuer: a, jwksUri: https://a.test/, fromParams: [t]}, {issuer: b}]"
    let bench = try TrafficBench(Self.authentication(rules: rules))
    #expect(!bench.findings.preventUse)
    #expect(bench.findings.contains { $0.code == .closedPolicy && $0.severity == .error })
    let found = try #require(authentications(bench, "web-sa")?.first)
    #expect(found.issuers.map(\.issuer) == [""] && found.issuers.map(\.keys) == [.inline("")])
    #expect(found.issuers.first?.locations == TokenIssuer.standardLocations + [.query("t")])
  }

  @Test func anEarlierVersionStays() throws {
    func load(_ text: String) -> ManifestSet {
      ManifestSet.load(files: [ManifestFile(path: "a.yaml", text: text)]).objects
    }
    var now = load(Self.authentication(rules: "[{}]"))
    let findings = now.keepReadablePolicies(of: load(Self.authentication()))
    #expect(findings.map(\.code) == [.keptPolicy])
    #expect(now.requestAuthentications.first?.issuers.map(\.issuer) == ["a"])
  }

  /// Without waypoints nobody would check a token.
  @Test func withoutWaypointsItIsRefused() throws {
    let bench = try TrafficBench(Self.authentication(), hasWaypoints: false)
    #expect(bench.findings.filter { $0.severity == .error }.map(\.code) == [.unenforcedPolicy])
    #expect(bench.findings.preventUse)
  }
}

@Suite struct WaypointAnnotationTests {
  private static func account(_ annotation: String) -> String {
    """
    {apiVersion: v1, kind: ServiceAccount,
     metadata: {name: proxied-sa, namespace: production, annotations: {\(annotation)}}}
    ---
    {apiVersion: security.istio.io/v1, kind: RequestAuthentication,
     metadata: {name: users, namespace: production},
     spec: {jwtRules: [{issuer: a, jwksUri: https://a.test/}]}}
    """
  }

  @Test(arguments: [
    ("apus.io/trusted-proxies: \"2\"", 2, true), ("apus.io/trusted-proxies: \"17\"", 0, false),
    ("apus.io/trusted-proxies: \"-1\"", 0, false), ("apus.io/trusted-proxies: many", 0, false),
    ("a: b", 0, true),
  ])
  func proxiesBeforeTheMesh(annotation: String, count: Int, isFine: Bool) throws {
    let bench = try TrafficBench(
      Self.account(annotation), TrafficBench.pod("proxied-1", "proxied", "v1", "10.244.0.9"))
    let found = bench.mesh.waypoints.first { $0.waypoint.serviceAccount == "proxied-sa" }
    #expect(found?.trustedProxies == count && found?.pathForm == .base)
    #expect(bench.findings.contains { $0.code == .invalidValue && $0.severity == .error } == !isFine)
  }
}
