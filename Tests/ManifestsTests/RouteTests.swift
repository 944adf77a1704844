import MeshModel
import Testing

@testable import Manifests

/// HTTPRoute, GRPCRoute and ReferenceGrant, from text to the rules of a service.
@Suite struct RouteTests {
  typealias Bench = TrafficBench

  private static func route(
    _ name: String, kind: String = "HTTPRoute", namespace: String = "production",
    parent: String = "order-service",
    more: String = "", created: String = "", rules: String
  ) -> String {
    """
    {apiVersion: gateway.networking.k8s.io/v1, kind: \(kind),
     metadata: {name: \(name), namespace: \(namespace), creationTimestamp: "\(created)"},
     spec: {parentRefs: [{group: "", kind: Service, name: \(parent)\(more)}], rules: [\(rules)]}}
    """
  }

  private static let backend = "backendRefs: [{name: order-service, port: 80}]"
  private static func paths(_ matches: String...) -> String {
    "{matches: [\(matches.joined(separator: ", "))], \(backend)}"
  }

  @Test func anHTTPRouteIsReadWhole() throws {
    let routes = ManifestSet.load(files: [try golden("routes.yaml")]).objects.traffic.routes
    let route = try #require(routes.first { $0.meta.title == "HTTPRoute default/whole" })
    #expect(route.isWhole && route.parents.map(\.name) == ["orders"] && route.parents.map(\.port) == [80])
    #expect(
      route.rules.map(\.rule.origin) == [
        "HTTPRoute default/whole rules[0] (first).matches[0]",
        "HTTPRoute default/whole rules[0] (first).matches[1]",
        "HTTPRoute default/whole rules[0] (first).matches[2]",
        "HTTPRoute default/whole rules[1].matches[0]",
      ])
    let first = route.rules[0].rule
    #expect(
      first.matches == [
        RequestMatch(
          path: PathMatch(.exact("/a")), method: .exact("POST"),
          headers: [FieldMatch("x-a", .exact("1")), FieldMatch("x-b", .expression("b+"))],
          query: [FieldMatch("q", .exact("1"))])
      ])
    #expect(route.rules[1].rule.matches == [RequestMatch(path: PathMatch(.segments("/b")))])
    #expect(route.rules[2].rule.matches == [RequestMatch(path: PathMatch(.expression("/c/.*")))])
    #expect(first.headers.request.set == [.init("a", "1")] && first.headers.request.remove == ["c"])
    #expect(first.headers.response.remove == ["d"])
    #expect(
      first.action
        == .forward(
          Forward(
            backends: [], rewrite: Rewrite(path: .segments("/z"), authority: "other.example"),
            noBackendStatus: 500)))
    #expect(route.rules[0].mirrors.map(\.share.millionths) == [250_000])
    #expect(first.cors?.allowOrigins == [.expression("\\Qhttps://\\E.*\\Q.example\\E"), .exact("*")])
    #expect(route.rules[0].destinations.map(\.weight) == [9, 1])
    #expect(route.rules[0].destinations.map(\.namespace) == ["default", "other"])
    #expect(route.rules[0].destinations[1].headers.request.remove == ["e"])
    #expect(first.timeout == 10_000)
    #expect(
      first.retry
        == RetryRule(
          attempts: 4, perTryTimeout: 2_000, conditions: RetryRule.standard.conditions + [.status(503)],
          backoff: 100))
    #expect(
      route.rules[3].rule.action
        == .redirect(Redirect(status: 301, path: .whole("/new"), scheme: "https", port: .ofScheme)))
  }

  @Test func callsAreComparedByTheirPaths() throws {
    let routes = ManifestSet.load(files: [try golden("routes.yaml")]).objects.traffic.routes
    let route = try #require(routes.first { $0.meta.title == "GRPCRoute default/whole" })
    #expect(
      route.rules.map(\.rule.matches) == [
        [RequestMatch(path: PathMatch(.exact("/shop.Orders/Place")))],
        [RequestMatch(path: PathMatch(.prefix("/shop.Orders/")))],
        [RequestMatch(path: PathMatch(.expression("/[^/]+/\\QPlace\\E")))],
        [
          RequestMatch(
            path: PathMatch(.expression("/(?:shop\\..*)/(?:[^/]+)")),
            headers: [FieldMatch("x-a", .exact("1"))])
        ],
      ])
    #expect(route.noBackendStatus == 503)
  }

  @Test func theMostParticularMatchDecides() throws {
    let bench = try Bench(
      Self.route(
        "a",
        rules: [
          Self.paths("{}", "{path: {type: RegularExpression, value: /x.*}}", "{path: {value: /}}"),
          Self.paths("{path: {value: /a}}", "{path: {value: /a/b}}"),
          Self.paths(
            "{path: {value: /a}, headers: [{name: h, value: v}]}", "{path: {value: /a}, method: GET}"),
          Self.paths(
            "{path: {value: /a}, headers: [{name: h, value: v}, {name: i, value: v}]}",
            "{path: {value: /a}, queryParams: [{name: q, value: v}]}", "{path: {type: Exact, value: /a}}"),
        ].joined(separator: ", ")))
    #expect(bench.findings.isEmpty, "\(bench.findings)")
    let traffic = try #require(bench.traffic("order-service"))
    let order = traffic.rules.map { $0.origin.replacing("HTTPRoute production/a rules", with: "") }
    #expect(
      order == [
        "[3].matches[2]", "[1].matches[1]", "[2].matches[1]", "[3].matches[0]", "[2].matches[0]",
        "[3].matches[1]", "[1].matches[0]", "[0].matches[1]", "[0].matches[0]", "[0].matches[2]",
      ])
    #expect(!traffic.fallsThrough)
    #expect(traffic.backends.allSatisfy { $0 == [Backend(service: Bench.key("order-service"), port: 80)] })
    #expect(
      bench.waypoint("order-service-sa")?.reasons == [
        "HTTPRoute production/a routes requests to order-service.production.svc.cluster.local"
      ])
  }

  @Test func ofEqualsTheOlderThenTheFirstByNameDecides() throws {
    let rule = Self.paths("{path: {value: /a}}")
    let bench = try Bench(
      Self.route("c", created: "2026-01-01T00:00:00Z", rules: rule),
      Self.route("a", created: "2026-02-01T00:00:00Z", rules: rule),
      Self.route("b", kind: "GRPCRoute", created: "2026-02-01T00:00:00Z", rules: "{\(Self.backend)}"))
    #expect(
      bench.traffic("order-service")?.rules.map(\.origin) == [
        "HTTPRoute production/c rules[0].matches[0]", "HTTPRoute production/a rules[0].matches[0]",
        "GRPCRoute production/b rules[0]",
      ])
  }

  @Test(arguments: [
    (", port: 80", [80]), (", sectionName: http", [80]), ("", [nil] as [UInt16?]),
  ])
  func aParentMayBeOnePort(more: String, ports: [UInt16?]) throws {
    let bench = try Bench(Self.route("a", more: more, rules: "{\(Self.backend)}"))
    #expect(bench.traffic("order-service")?.rules.map { $0.matches.first?.port } == ports)
  }

  @Test(arguments: [
    (route("a", parent: "orders", rules: "{\(backend)}"), ["APUS307"]),
    (route("a", more: ", port: 81", rules: "{\(backend)}"), ["APUS311"]),
    (route("a", namespace: "legacy", more: ", namespace: production", rules: "{\(backend)}"), ["APUS312"]),
    (route("a", rules: "{backendRefs: [{name: nobody, port: 80}]}"), ["APUS307"]),
    (route("a", rules: "{backendRefs: [{name: order-service, port: 81}]}"), ["APUS311"]),
    (route("a", rules: "{backendRefs: [{name: old, namespace: legacy, port: 80}]}"), ["APUS317"]),
    (route("a", rules: "{filters: [{type: ExternalAuth}]}"), ["APUS014", "APUS316"]),
  ])
  func findings(manifest: String, expected: [String]) throws {
    let bench = try Bench(manifest)
    #expect(bench.codes == expected, "\(bench.findings)")
    #expect(!bench.findings.preventUse)
    for rule in bench.traffic("order-service")?.rules ?? [] {
      guard case .forward(let forward) = rule.action else { continue }
      #expect(forward.noBackendStatus == 500 && forward.backends.allSatisfy { $0.service == nil })
    }
  }

  @Test(arguments: [("", true), (", name: old", true), (", name: other", false)])
  func aGrantPermitsBackendsOfAnotherNamespace(name: String, isPermitted: Bool) throws {
    let bench = try Bench(
      Self.route("a", rules: "{backendRefs: [{name: old, namespace: legacy, port: 80}]}"),
      """
      {apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant,
       metadata: {name: g, namespace: legacy},
       spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: production}],
        to: [{group: "", kind: Service\(name)}]}}
      """)
    let expected = Backend(
      service: isPermitted ? Bench.key("old", "legacy") : nil, port: isPermitted ? 80 : nil)
    #expect(bench.traffic("order-service")?.backends == [[expected]])
    #expect(bench.codes == (isPermitted ? [] : ["APUS317"]))
  }

  @Test func aVirtualServiceComesFirst() throws {
    let bench = try Bench(Self.route("a", rules: "{\(Self.backend)}"), Bench.routing("b"))
    #expect(
      bench.traffic("order-service")?.rules.map(\.origin) == [
        "VirtualService production/b http[0]", "HTTPRoute production/a rules[0]",
      ])
    #expect(bench.codes == ["APUS310"])
  }
}
