import MeshModel
import Testing

@testable import Manifests

/// Where requests lead: hosts, subsets, destinations.
@Suite struct TrafficTests {
  typealias Bench = TrafficBench

  @Test(arguments: [
    "order-service", "order-service.production.svc.cluster.local", "*.production.svc.cluster.local",
  ])
  func hostsAreNamesOfTheRulesNamespaceOrWhole(host: String) throws {
    let bench = try Bench(Bench.routing("a", hosts: host))
    // The pattern is for payments, too, whose waypoint would lead them to pods behind another.
    #expect(bench.codes == (host.hasPrefix("*") ? ["APUS319"] : []), "\(bench.findings)")
    let traffic = try #require(bench.traffic("order-service"))
    #expect(traffic.rules.map(\.origin) == ["VirtualService production/a http[0]"])
    #expect(traffic.backends == [[Backend(service: Bench.key("order-service"))]])
    #expect(!traffic.fallsThrough)
    #expect(traffic.protocols == [PortProtocol(port: 80, speaks: .http1)])
    #expect((bench.traffic("payment-service") != nil) == host.hasPrefix("*"))
  }

  @Test func aNameBeatsAPattern() throws {
    let bench = try Bench(
      Bench.routing("wide", hosts: "*.production.svc.cluster.local", to: "payment-service"),
      Bench.routing("narrow"))
    #expect(
      bench.traffic("order-service")?.rules.map(\.origin) == ["VirtualService production/narrow http[0]"])
    #expect(
      bench.traffic("payment-service")?.rules.map(\.origin) == ["VirtualService production/wide http[0]"])
  }

  private static let raw = """
    {apiVersion: v1, kind: Service, metadata: {name: raw, namespace: production},
     spec: {selector: {app: order-service}, ports: [{name: tcp-a, port: 80}]}}
    """

  @Test(arguments: [
    // A host that is none, a destination that is none, a short name of elsewhere.
    (Bench.routing("a", hosts: "orders"), ["APUS307"]), (Bench.routing("a", to: "orders"), ["APUS307"]),
    (Bench.routing("a", to: "order-service.production"), ["APUS307"]),
    // A subset and ports that are not there.
    (Bench.routing("a", more: ", subset: v1"), ["APUS308"]),
    (Bench.routing("a", to: "payment-service", more: ", port: {number: 81}"), ["APUS311"]),
    // Rules for others, or that their own namespace does not see, or for gateways.
    (Bench.routing("a", "legacy", hosts: "order-service.production.svc.cluster.local"), ["APUS312"]),
    (Bench.routing("a", spec: ", exportTo: [legacy]"), ["APUS312"]),
    (Bench.routing("a", spec: ", gateways: [door]"), ["APUS306"]),
    // Of whom nothing is captured.
    (Bench.routing("a", "legacy", hosts: "old", to: "old"), ["APUS314"]),
    // A rule that cannot be read.
    (Bench.routing("a", spec: ", tls: [{}]"), ["APUS014", "APUS316"]),
    (
      Bench.rule("a", spec: "workloadSelector: {}, trafficPolicy: {loadBalancer: {}}"),
      ["APUS014", "APUS316"]
    ),
    (Bench.rule("a", host: "orders", spec: "subsets: []"), ["APUS307"]),
    (
      Bench.rule(
        "a", spec: "trafficPolicy: {loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}}"),
      ["APUS306"]
    ),
    (Bench.routing("a", hosts: "raw") + "\n---\n" + raw, ["APUS306"]),
    // A way that the other waypoint's pods close.
    (
      Bench.routing("a", to: "payment-service") + "\n---\n"
        + Bench.rule("b", host: "payment-service", spec: "trafficPolicy: {loadBalancer: {simple: RANDOM}}"),
      ["APUS319"]
    ),
    (Bench.rule("a", spec: "subsets: [{name: v3, labels: {version: v3}}]"), ["APUS309"]),
    (Bench.rule("a", spec: "subsets: [{name: v2, labels: {version: v2}}]"), []),
  ])
  func findings(manifest: String, expected: [String]) throws {
    let bench = try Bench(manifest)
    #expect(bench.codes == expected, "\(bench.findings)")
    #expect(!bench.findings.preventUse)
  }

  @Test(arguments: [", subset: v1", ", port: {number: 81}"])
  func whatIsNotThereFailsAndGoesNowhereElse(more: String) throws {
    let bench = try Bench(Bench.routing("a", more: more))
    #expect(bench.traffic("order-service")?.backends == [[Backend(service: nil)]])
  }

  @Test func aBrokenRuleIsAnsweredFor() throws {
    let bench = try Bench(Bench.routing("a", spec: ", tls: [{}]"))
    let traffic = try #require(bench.traffic("order-service"))
    #expect(traffic.rules.count == 1 && traffic.backends == [[]] && !traffic.fallsThrough)
  }

  @Test func theOldestOfSeveralComesFirst() throws {
    let bench = try Bench(
      Bench.routing("a", created: "2026-02-01T00:00:00Z"), Bench.routing("b", created: "2026-01-01T00:00:00Z")
    )
    #expect(
      bench.traffic("order-service")?.rules.map(\.origin) == [
        "VirtualService production/b http[0]", "VirtualService production/a http[0]",
      ])
    #expect(bench.codes == ["APUS310"])
    #expect(bench.findings[0].object == "VirtualService production/a")
  }

  @Test func theOnlyPortOfAnotherServiceIsMeant() throws {
    let database = """
      {apiVersion: v1, kind: Service, metadata: {name: shadow, namespace: production},
       spec: {selector: {app: order-service}, ports: [{port: 9000, appProtocol: kubernetes.io/h2c}]}}
      """
    let bench = try Bench(database, Bench.routing("a", to: "shadow"))
    #expect(bench.findings.isEmpty, "\(bench.findings)")
    #expect(
      bench.traffic("order-service")?.backends == [[Backend(service: Bench.key("shadow"), port: 9_000)]])
    #expect(bench.traffic("shadow")?.protocols == [PortProtocol(port: 9_000, speaks: .http2)])
    #expect(bench.traffic("shadow")?.fallsThrough == true)
  }

  // MARK: DestinationRule

  private static func balance(_ simple: String, _ more: String = "") -> String {
    "trafficPolicy: {loadBalancer: {simple: \(simple)}}\(more)"
  }

  @Test func theNamespaceOfTheServiceBeatsTheRoot() throws {
    let host = "*.production.svc.cluster.local"
    let root = Bench.rule("r", "istio-system", host: host, spec: Self.balance("RANDOM"))
    #expect(try Bench(root).destination("order-service")?.policy.balancing.algorithm == .random)
    let both = try Bench(root, Bench.rule("a", spec: Self.balance("ROUND_ROBIN")))
    #expect(both.destination("order-service")?.policy.balancing.algorithm == .roundRobin)
    #expect(both.destination("payment-service")?.policy.balancing.algorithm == .random)
    let other = Bench.rule(
      "o", "legacy", host: "order-service.production.svc.cluster.local", spec: Self.balance("RANDOM"))
    #expect(try Bench(other).mesh.waypoints.isEmpty)
  }

  @Test func theMostParticularHostWinsAndSubsetsAreUnited() throws {
    let bench = try Bench(
      Bench.rule("c", host: "*.svc.cluster.local", spec: Self.balance("RANDOM")),
      Bench.rule("a", spec: Self.balance("ROUND_ROBIN", ", subsets: [{name: v1, labels: {version: v1}}]")),
      Bench.rule("b", spec: Self.balance("RANDOM", ", subsets: [{name: v2, labels: {version: v2}}]")))
    let destination = try #require(bench.destination("order-service"))
    #expect(destination.origin == "DestinationRule production/a")
    #expect(destination.policy.balancing.algorithm == .roundRobin)
    #expect(destination.subsets.map(\.name) == ["v1", "v2"])
    #expect(bench.destination("payment-service")?.origin == "DestinationRule production/c")
  }

  @Test func whatIsNotExportedIsNotSeen() throws {
    let hidden = try Bench(Bench.rule("a", spec: Self.balance("RANDOM", ", exportTo: [legacy]")))
    #expect(hidden.mesh.waypoints.isEmpty)
    #expect(
      try Bench(Bench.rule("a", spec: Self.balance("RANDOM", ", exportTo: [\".\"]"))).mesh.waypoints.count
        == 1)
  }
}
