import Bytes
import HTTPExchange
import HTTPModel
import MeshIndex
import MeshModel
import TestSupport

@testable import RequestProxying

/// The mesh of the tests: a service with some endpoints behind a waypoint.
enum Shop {
  static func key(_ name: String) -> ServiceKey {
    ServiceKey(namespace: "production", hostname: "\(name).production.svc.cluster.local")
  }

  static let pay = key("pay")
  static let shadow = key("shadow")

  /// `pay` at 10.96.0.1 with endpoints 10.244.2.1 and so on, `shadow` with one at 10.244.3.1. The labels of
  /// endpoint n are `version: vN`.
  static func mesh(
    endpoints: Int = 3, policies: [Authorization] = [], _ change: (inout Workload) -> Void = { _ in }
  ) -> MeshSnapshot {
    var state = MeshState()
    return mesh(endpoints: endpoints, policies: policies, in: &state, change)
  }

  /// The same as the next step of a mesh that is followed.
  static func mesh(
    endpoints: Int = 3, policies: [Authorization] = [], in state: inout MeshState,
    _ change: (inout Workload) -> Void = { _ in }
  ) -> MeshSnapshot {
    let pods = (1...endpoints).map { ("pay-\($0)", pay, "10.244.2.\($0)", "v\($0)") }
    for (name, service, address, version) in pods + [("shadow-1", shadow, "10.244.3.1", "v1")] {
      var workload = Workload(
        uid: "Kubernetes//Pod/production/\(name)", name: name, namespace: "production",
        identity: try! Identity(
          trustDomain: .clusterLocal, namespace: "production", serviceAccount: "pay"),
        addresses: [IPAddress(address)!], tunnelProtocol: .hbone,
        services: [service: [PortMapping(servicePort: 80, targetPort: 8080)]])
      workload.waypoint = World.waypoint
      workload.subsetLabels = ["version": version]
      change(&workload)
      state.upsert(workload)
    }
    for (service, address) in [(pay, "10.96.0.1"), (shadow, "10.96.0.2")] {
      var made = Service(
        name: "\(service.hostname.prefix { $0 != "." })", key: service, addresses: [IPAddress(address)!],
        ports: [PortMapping(servicePort: 80, targetPort: 8080)])
      made.waypoint = World.waypoint
      state.upsert(made)
    }
    for policy in policies { state.upsert(policy) }
    state.markAddressesDelivered()
    state.markAuthorizationsDelivered()
    return state.snapshot()
  }

  static func configuration(
    rules: [RouteRule] = [], speaks: ApplicationProtocol? = .http1, subsets: [String] = [],
    _ change: (inout TrafficPolicy) -> Void = { _ in }
  ) -> WaypointConfiguration {
    var policy = TrafficPolicy()
    change(&policy)
    return WaypointConfiguration(
      waypoint: WaypointName(namespace: "production", serviceAccount: "pay"),
      services: [
        ServiceTraffic(
          service: pay, protocols: speaks.map { [PortProtocol(port: 80, speaks: $0)] } ?? [], rules: rules,
          fallsThrough: rules.isEmpty)
      ],
      destinations: [
        DestinationTraffic(
          service: pay, policy: policy,
          subsets: subsets.map { .init(name: $0, labels: ["version": $0], policy: policy) })
      ])
  }

  static func forward(
    _ backends: [Backend] = [Backend(service: pay)], timeout: Int? = nil, retry: RetryRule? = nil,
    mirrors: [Mirror] = []
  ) -> RouteRule {
    RouteRule(
      origin: "VirtualService production/pay http[0]", action: .forward(Forward(backends: backends)),
      timeout: timeout, retry: retry, mirrors: mirrors)
  }
}

/// Counts requests by endpoint and answers each as told.
final class Applications {
  var answers: (String, HTTPServer, ExchangeID) -> Void = { _, server, id in server.answer(id) }
  private(set) var counts: [String: Int] = [:]
  private(set) var servers: [(name: String, server: HTTPServer)] = []
  var total: Int { counts.values.reduce(0, +) }

  func open(
    _ endpoint: MeshIndex.Endpoint, _ version: HTTPVersion = .http1, limits: HTTPLimits = HTTPLimits()
  ) -> HTTPServer {
    let server = HTTPServer(version, limits: limits)
    let name = endpoint.workload.name
    server.onEnd = { [unowned self] server, id in
      counts[name, default: 0] += 1
      answers(name, server, id)
    }
    servers.append((name, server))
    return server
  }

  func reset() { counts = [:] }
}
