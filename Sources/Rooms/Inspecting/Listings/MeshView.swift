import Foundation
public import MeshCodec
public import MeshModel

/// The mesh as agents hold it, told by one or several: what any of them knows.
public struct MeshView: Sendable {
  public private(set) var workloads: [String: Workload] = [:]
  public private(set) var services: [ServiceKey: Service] = [:]
  public private(set) var authorizations: [String: Authorization] = [:]

  public init(_ dumps: [MeshDump]) {
    for resource in dumps.flatMap(\.resources) {
      switch resource {
      case .workload(let workload): workloads[workload.uid] = workload
      case .service(let service): services[service.key] = service
      case .authorization(let policy): authorizations[policy.key] = policy
      case .waypoint, .trust, .telemetry: break
      }
    }
  }

  public func workloadListing(_ scope: NamespaceScope) -> Listing {
    Listing(
      "workloads",
      [
        .init("namespace", "NAMESPACE"), .init("name", "POD NAME", minimum: 16),
        .init("addresses", "ADDRESS", minimum: 14), .init("node", "NODE"), .init("waypoint", "WAYPOINT"),
        .init("protocol", "PROTOCOL", minimum: 8), .init("owner", "WORKLOAD", isWide: true),
        .init("identity", "IDENTITY", isWide: true), .init("isHealthy", "HEALTHY", isWide: true),
        .init("policies", "POLICIES", isWide: true), .init("services", nil), .init("uid", nil),
      ],
      workloads.values.filter { scope.holds($0.namespace) }.map(Self.row))
  }

  private static func row(_ workload: Workload) -> Listing.Row {
    let waypoint = workload.waypoint.map { String($0.hostname.prefix { $0 != "." }) }
    return Listing.Row(
      [
        "namespace": .text(workload.namespace), "name": .text(workload.name),
        "addresses": JSONTree(workload.addresses.map(\.description)), "node": .text(workload.node),
        "waypoint": JSONTree(waypoint), "protocol": .text(carriage(workload.tunnelProtocol)),
        "owner": .text(workload.workloadName), "identity": .text(workload.identity.description),
        "isHealthy": .boolean(workload.isHealthy), "policies": JSONTree(workload.policies.sorted()),
        "services": JSONTree(workload.services.keys.map(\.description).sorted()), "uid": .text(workload.uid),
      ],
      cells: [
        "waypoint": Cell(waypoint ?? "None"),
        "isHealthy": Cell(workload.isHealthy ? "yes" : "no", workload.isHealthy ? .plain : .bad),
      ])
  }

  private static func carriage(_ tunnel: Workload.TunnelProtocol) -> String {
    switch tunnel {
    case .hbone: "HBONE"
    case .none: "TCP"
    }
  }

  public func serviceListing(_ scope: NamespaceScope) -> Listing {
    var endpoints: [ServiceKey: (ready: Int, all: Int)] = [:]
    for workload in workloads.values {
      for key in workload.services.keys {
        endpoints[key, default: (0, 0)].all += 1
        endpoints[key, default: (0, 0)].ready += workload.isHealthy ? 1 : 0
      }
    }
    return Listing(
      "services",
      [
        .init("namespace", "NAMESPACE"), .init("name", "SERVICE NAME", minimum: 16),
        .init("addresses", "SERVICE VIP", minimum: 14), .init("waypoint", "WAYPOINT"),
        .init("endpoints", "ENDPOINTS", minimum: 9), .init("hostname", "HOSTNAME", isWide: true),
        .init("ports", "PORTS", isWide: true), .init("endpointsReady", nil),
      ],
      services.values.filter { scope.holds($0.namespace) }.map { service in
        let count = endpoints[service.key] ?? (0, 0)
        let waypoint = service.waypoint.map { String($0.hostname.prefix { $0 != "." }) }
        let ports = service.ports.map { "\($0.servicePort)/\($0.targetPort)" }
        let tone: Cell.Tone = count.all == 0 ? .faint : count.ready == 0 ? .bad : .warning
        return Listing.Row(
          [
            "namespace": .text(service.namespace), "name": .text(service.name),
            "addresses": JSONTree(service.addresses.map(\.description)), "waypoint": JSONTree(waypoint),
            "endpoints": JSONTree(count.all), "endpointsReady": JSONTree(count.ready),
            "hostname": .text(service.hostname), "ports": JSONTree(ports),
          ],
          cells: [
            "waypoint": Cell(waypoint ?? "None"),
            "endpoints": Cell(
              "\(count.ready)/\(count.all)", count.all > 0 && count.ready == count.all ? .plain : tone),
          ])
      })
  }

  public func policyListing(_ scope: NamespaceScope) -> Listing {
    Listing(
      "policies",
      [
        .init("namespace", "NAMESPACE"), .init("name", "POLICY NAME", minimum: 16),
        .init("action", "ACTION", minimum: 5), .init("scope", "SCOPE", minimum: 9),
        .init("rules", "RULES", isWide: true, minimum: 5, isNumber: true),
        .init("workloads", "WORKLOADS", isWide: true, minimum: 9, isNumber: true), .init("isDryRun", nil),
        .init("origin", "FROM", isWide: true),
      ],
      authorizations.values.filter { scope.holds($0.namespace) }.map { policy in
        let bound = workloads.values.count { isBound($0, by: policy) }
        let origin =
          ConvertedPolicy.isConverted(policy.name) ? "PeerAuthentication" : "AuthorizationPolicy"
        let action = "\(policy.action)".capitalized
        return Listing.Row(
          [
            "namespace": .text(policy.namespace), "name": .text(policy.name),
            "action": .text(action), "scope": .text(Self.name(policy.scope)),
            "rules": JSONTree(policy.rules.count), "workloads": JSONTree(bound),
            "isDryRun": .boolean(policy.isDryRun), "origin": .text(origin),
          ],
          cells: [
            "action": Cell(
              action + (policy.isDryRun ? " (dry run)" : ""), policy.isDryRun ? .warning : .plain)
          ])
      })
  }

  private func isBound(_ workload: Workload, by policy: Authorization) -> Bool {
    switch policy.scope {
    case .global: true
    case .namespace: workload.namespace == policy.namespace
    case .workloadSelector: workload.policies.contains(policy.key)
    }
  }

  private static func name(_ scope: Authorization.Scope) -> String {
    switch scope {
    case .global: "Global"
    case .namespace: "Namespace"
    case .workloadSelector: "WorkloadSelector"
    }
  }
}

/// Which namespaces are wanted.
public struct NamespaceScope: Hashable, Sendable {
  /// Nil for all.
  public var namespace: String?

  public init(_ namespace: String? = nil) { self.namespace = namespace }

  func holds(_ namespace: some StringProtocol) -> Bool { self.namespace.map { $0 == namespace } ?? true }

  /// Of a `namespace/name`.
  func holds(title: String) -> Bool { holds(title.prefix { $0 != "/" }) }

  /// Of a SPIFFE id; those without a namespace are of none.
  func holds(identity: String) -> Bool {
    guard namespace != nil else { return true }
    let parts = identity.split(separator: "/", omittingEmptySubsequences: true)
    return parts.count == 6 && parts[2] == "ns" && holds(parts[3])
  }
}
