import FoundationEssentials
import MeshIndex
import MeshModel
import TLSEngine
import Telemetry

/// The mesh in `/config_dump`, with the keys that `istioctl ztunnel-config` parses
/// (istio: istioctl/pkg/writer/ztunnel/configdump/api.go). JSON by hand: a JSON library would cost the agent
/// megabytes.
enum MeshText {
  typealias Members = [(key: String, json: String)]

  static func object(_ members: Members) -> String {
    "{\(members.map { "\(JSONText.quoted($0.key)):\($0.json)" }.joined(separator: ","))}"
  }

  static func list(_ elements: some Sequence<String>) -> String { "[\(elements.joined(separator: ","))]" }

  static func text(_ value: some CustomStringConvertible) -> String { JSONText.quoted(value.description) }

  // MARK: Workloads

  static func workloads(_ mesh: MeshSnapshot) -> String {
    list(mesh.workloads.sorted { $0.uid < $1.uid }.map(workload))
  }

  private static func workload(_ workload: Workload) -> String {
    var members: Members = [
      ("uid", text(workload.uid)), ("workloadIps", list(workload.addresses.map(text))),
      ("protocol", text(workload.tunnelProtocol == .hbone ? "HBONE" : "TCP")), ("name", text(workload.name)),
      ("namespace", text(workload.namespace)), ("serviceAccount", text(workload.identity.serviceAccount)),
      ("workloadName", text(workload.workloadName)), ("workloadType", text("pod")),
      ("canonicalName", text(workload.canonicalName)),
      ("canonicalRevision", text(workload.canonicalRevision)), ("clusterId", text(workload.clusterID)),
      ("trustDomain", text(workload.identity.trustDomain)), ("node", text(workload.node)),
      ("network", text(workload.network)),
      ("networkMode", text(workload.usesHostNetwork ? "HostNetwork" : "Standard")),
      ("status", text(workload.isHealthy ? "Healthy" : "Unhealthy")),
      (
        "locality",
        object([
          ("region", text(workload.locality.region)), ("zone", text(workload.locality.zone)),
          ("subzone", text(workload.locality.subzone)),
        ])
      ), ("capacity", "1"), ("authorizationPolicies", list(workload.policies.map(text))),
      ("services", list(workload.services.keys.map(\.description).sorted().map(text))),
    ]
    if let waypoint = workload.waypoint { members.append(("waypoint", gateway(waypoint))) }
    return object(members)
  }

  private static func gateway(_ service: ServiceKey) -> String {
    object([("destination", text(service)), ("hboneMtlsPort", "\(MeshPort.hbone)")])
  }

  // MARK: Services

  static func services(_ mesh: MeshSnapshot) -> String {
    list(
      mesh.services.sorted { $0.key.description < $1.key.description }.map {
        service($0, mesh.workloads(behind: $0.key))
      })
  }

  private static func service(_ service: Service, _ workloads: [Workload]) -> String {
    let ports = service.ports.map { (key: "\($0.servicePort)", json: "\($0.targetPort)") }
    var members: Members = [
      ("name", text(service.name)), ("namespace", text(service.key.namespace)),
      ("hostname", text(service.key.hostname)), ("vips", list(service.addresses.map { text("/\($0)") })),
      ("ports", object(ports)),
      (
        "endpoints",
        object(
          workloads.sorted { $0.uid < $1.uid }.map { ($0.uid, endpoint($0, service.key)) })
      ), ("subjectAltNames", list(service.subjectAltNames.map(text))),
    ]
    if let waypoint = service.waypoint { members.append(("waypoint", gateway(waypoint))) }
    return object(members)
  }

  private static func endpoint(_ workload: Workload, _ service: ServiceKey) -> String {
    let ports = (workload.services[service] ?? []).map {
      (key: "\($0.servicePort)", json: "\($0.targetPort)")
    }
    return object([
      ("workloadUid", text(workload.uid)), ("service", text(service)), ("port", object(ports)),
      ("status", text(workload.isHealthy ? "Healthy" : "Unhealthy")),
    ])
  }

  // MARK: Policies

  static func policies(_ mesh: MeshSnapshot) -> String {
    list(mesh.authorizations.sorted { $0.key < $1.key }.map(policy))
  }

  private static func policy(_ policy: Authorization) -> String {
    let scope =
      switch policy.scope {
      case .global: "Global"
      case .namespace: "Namespace"
      case .workloadSelector: "WorkloadSelector"
      }
    let action =
      switch policy.action {
      case .allow: "Allow"
      case .deny: "Deny"
      case .audit: "Audit"
      }
    return object([
      ("name", text(policy.name)), ("namespace", text(policy.namespace)), ("scope", text(scope)),
      ("action", text(action)), ("dryRun", "\(policy.isDryRun)"),
      ("rules", list(policy.rules.map { list($0.clauses.map { list($0.matches.map(match)) }) })),
    ])
  }

  /// What a match does not say is left out.
  private static func match(_ match: Authorization.Match) -> String {
    var members: Members = []
    func add(_ key: String, _ values: [String]) {
      if !values.isEmpty { members.append((key, list(values))) }
    }
    add("namespaces", match.namespaces.map(pattern))
    add("notNamespaces", match.notNamespaces.map(pattern))
    add("serviceAccounts", match.serviceAccounts.map { text("\($0.namespace)/\($0.serviceAccount)") })
    add("notServiceAccounts", match.notServiceAccounts.map { text("\($0.namespace)/\($0.serviceAccount)") })
    add("principals", match.principals.map(pattern))
    add("notPrincipals", match.notPrincipals.map(pattern))
    add("sourceIps", match.sourceIPs.map(text))
    add("notSourceIps", match.notSourceIPs.map(text))
    add("destinationIps", match.destinationIPs.map(text))
    add("notDestinationIps", match.notDestinationIPs.map(text))
    add("destinationPorts", match.destinationPorts.map { "\($0)" })
    add("notDestinationPorts", match.notDestinationPorts.map { "\($0)" })
    return object(members)
  }

  private static func pattern(_ match: Authorization.StringMatch) -> String {
    switch match {
    case .exact(let value): object([("Exact", text(value))])
    case .prefix(let value): object([("Prefix", text(value))])
    case .suffix(let value): object([("Suffix", text(value))])
    case .presence: object([("Presence", "[]")])
    }
  }

  // MARK: Certificates

  /// An element of `certChain` or `rootCerts`. The certificate itself is public.
  static func certificate(_ certificate: Certificate) -> String {
    object([
      ("pem", text(Data(certificate.pem.utf8).base64EncodedString())),
      ("serialNumber", text(certificate.serial)), ("subject", text(certificate.subject)),
      ("issuer", text(certificate.issuer)),
      ("validFrom", text(Timestamp.text(seconds: certificate.notBefore))),
      ("expirationTime", text(Timestamp.text(seconds: certificate.notAfter))),
    ])
  }
}
