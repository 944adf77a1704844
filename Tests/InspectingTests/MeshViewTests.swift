import MeshCodec
import MeshModel
import Testing

@testable import Inspecting

@Suite struct MeshViewTests {
  static let domain = TrustDomain.clusterLocal
  static let shop = ServiceKey(namespace: "production", hostname: "shop.production.svc.cluster.local")
  static let waypoint = ServiceKey(
    namespace: "production", hostname: "shop-sa-waypoint.production.svc.cluster.local")

  static func workload(
    _ name: String, namespace: String = "production", node: String = "node-1", isHealthy: Bool = true
  ) throws -> Workload {
    var workload = Workload(
      uid: "Kubernetes//Pod/\(namespace)/\(name)", name: name, namespace: namespace,
      identity: try Identity(trustDomain: domain, namespace: namespace, serviceAccount: "shop-sa"),
      addresses: [IPAddress("10.244.1.2")!, IPAddress("fd00::2")!], node: node, workloadName: "shop",
      tunnelProtocol: .hbone, isHealthy: isHealthy,
      services: [shop: [PortMapping(servicePort: 80, targetPort: 8080)]], policies: ["production/only"])
    workload.waypoint = waypoint
    return workload
  }

  private func view() throws -> MeshView {
    var service = Service(
      name: "shop", key: Self.shop, addresses: [IPAddress("10.96.0.7")!],
      ports: [PortMapping(servicePort: 80, targetPort: 8080)])
    service.waypoint = Self.waypoint
    let policies = [
      Authorization(
        name: "only", namespace: "production", scope: .workloadSelector, action: .allow, rules: []),
      Authorization(
        name: ConvertedPolicy.staticStrict, namespace: "production", scope: .namespace, action: .deny,
        rules: []),
      Authorization(
        name: "try", namespace: "istio-system", scope: .global, action: .deny, rules: [], isDryRun: true),
    ]
    var plain = try Self.workload("old-1", namespace: "legacy", node: "node-2")
    plain.tunnelProtocol = .none
    plain.waypoint = nil
    plain.services = [:]
    plain.policies = []
    // Both agents tell of the first; each is shown once.
    let first = try Self.workload("shop-1")
    return MeshView([
      MeshDump(
        trustDomains: [Self.domain],
        resources: [.workload(first), .service(service)] + policies.map { .authorization($0) }),
      MeshDump(
        trustDomains: [Self.domain],
        resources: [
          .workload(first), .workload(try Self.workload("shop-2", isHealthy: false)), .workload(plain),
        ]),
    ])
  }

  @Test func workloadsAreAsTheEcosystemShowsThem() throws {
    #expect(
      try view().workloadListing(NamespaceScope()).table(isWide: false).squeezed == [
        "NAMESPACE|POD NAME|ADDRESS|NODE|WAYPOINT|PROTOCOL",
        "legacy|old-1|10.244.1.2 fd00::2|node-2|None|TCP",
        "production|shop-1|10.244.1.2 fd00::2|node-1|shop-sa-waypoint|HBONE",
        "production|shop-2|10.244.1.2 fd00::2|node-1|shop-sa-waypoint|HBONE",
      ])
  }

  @Test func servicesCountTheirEndpoints() throws {
    #expect(
      try view().serviceListing(NamespaceScope()).table(isWide: true).squeezed == [
        "NAMESPACE|SERVICE NAME|SERVICE VIP|WAYPOINT|ENDPOINTS|HOSTNAME|PORTS",
        "production|shop|10.96.0.7|shop-sa-waypoint|1/2|shop.production.svc.cluster.local|80/8080",
      ])
  }

  @Test func policiesTellTheirScopeAndWhomTheyBind() throws {
    #expect(
      try view().policyListing(NamespaceScope()).table(isWide: true).squeezed == [
        "NAMESPACE|POLICY NAME|ACTION|SCOPE|RULES|WORKLOADS|FROM",
        "istio-system|try|Deny (dry run)|Global|0|3|AuthorizationPolicy",
        "production|istio_converted_static_strict|Deny|Namespace|0|2|PeerAuthentication",
        "production|only|Allow|WorkloadSelector|0|2|AuthorizationPolicy",
      ])
  }

  @Test func jsonHasItsKeys() throws {
    let listing = try view().workloadListing(NamespaceScope("legacy"))
    #expect(
      listing.tree == [
        .object([
          "namespace": "legacy", "name": "old-1", "addresses": ["10.244.1.2", "fd00::2"], "node": "node-2",
          "waypoint": nil, "protocol": "TCP", "owner": "shop",
          "identity": "spiffe://cluster.local/ns/legacy/sa/shop-sa", "isHealthy": .boolean(true),
          "policies": [], "services": [], "uid": "Kubernetes//Pod/legacy/old-1",
        ])
      ])
    let services = try view().serviceListing(NamespaceScope())
    #expect(Set(services.columns.map(\.key)).isSuperset(of: ["endpoints", "endpointsReady", "ports"]))
    #expect(try view().policyListing(NamespaceScope("production")).rows.count == 2)
  }
}
