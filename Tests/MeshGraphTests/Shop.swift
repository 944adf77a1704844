import Bytes
import MeshModel

@testable import MeshGraph

/// A small mesh: `web` calls `order` (two pods on two nodes), which calls `pay`, before which a waypoint
/// stands.
enum Shop {
  static let domain = "cluster.local"
  static let payService = ServiceKey(namespace: "shop", hostname: "pay.shop.svc.cluster.local")
  static let payWaypoint = WaypointName(namespace: "shop", serviceAccount: "pay")

  static func identity(_ account: String) throws -> Identity {
    try Identity(trustDomain: .clusterLocal, namespace: "shop", serviceAccount: account)
  }

  static func pod(_ owner: String, _ number: Int, on node: String, account: String? = nil) throws -> Workload
  {
    var workload = Workload(
      uid: "Kubernetes//Pod/shop/\(owner)-\(number)", name: "\(owner)-\(number)", namespace: "shop",
      identity: try identity(account ?? owner), addresses: [IPAddress(v4: UInt32(0x0a00_0000 + number))],
      node: node, workloadName: owner, tunnelProtocol: .hbone)
    if owner == "pay" {
      workload.services = [payService: [PortMapping(servicePort: 80, targetPort: 8080)]]
      workload.waypoint = payWaypoint.service(in: domain)
    }
    return workload
  }

  static func facts() throws -> MeshFacts {
    var waypoint = WaypointConfiguration(waypoint: payWaypoint, reasons: ["a policy asks for methods"])
    waypoint.authorizations = [
      Authorization(name: "payments", namespace: "shop", scope: .workloadSelector, action: .allow, rules: [])
    ]
    return MeshFacts(
      workloads: [
        try pod("web", 1, on: "node-1"), try pod("order", 2, on: "node-1"), try pod("order", 3, on: "node-2"),
        try pod("pay", 4, on: "node-2"), try pod("pay-waypoint", 5, on: "node-1"),
      ],
      services: [
        Service(
          name: "pay", key: payService, addresses: [],
          ports: [PortMapping(servicePort: 80, targetPort: 8080)])
      ],
      policies: [
        Authorization(
          name: "everywhere", namespace: "istio-system", scope: .global, action: .deny, rules: []),
        Authorization(name: "elsewhere", namespace: "other", scope: .namespace, action: .deny, rules: []),
      ], waypoints: [waypoint], kinds: ["shop/web": "Deployment"], clusterDomain: domain)
  }

  static func party(_ owner: String) throws -> ObservedParty {
    ObservedParty(namespace: "shop", workload: owner, identity: try identity(owner).description)
  }

  static func key(
    _ direction: ConnectionRecord.Direction, _ source: String, _ destination: String,
    carries: ObservedEdge.Carried = .tcp, service: String = "", isMutualTLS: Bool = true
  ) throws -> ObservedEdge.Key {
    ObservedEdge.Key(
      direction: direction, source: try party(source), destination: try party(destination), service: service,
      carries: carries, isMutualTLS: isMutualTLS)
  }

  /// A report `uptime` milliseconds after a start.
  static func report(
    _ uptime: Int64, pod: String = "", started: Int64 = 1_000,
    _ edges: [(ObservedEdge.Key, (inout EdgeCounts) -> Void)]
  ) -> MeshReport {
    var report = MeshReport(version: "t", pod: pod, started: started, uptime: uptime)
    report.edges = edges.map { key, fill in
      var edge = ObservedEdge(key: key, lastSeen: 1_000)
      fill(&edge.counts)
      return edge
    }
    return report
  }
}
