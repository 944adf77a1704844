import MeshCodec
import MeshModel

/// One of each kind, with every field set.
enum Sample {
  static let workload = MeshResource.workload(
    Workload(
      uid: "Kubernetes//Pod/production/web", name: "web", namespace: "production",
      identity: identity("production", "web-sa"),
      addresses: [IPAddress("10.244.1.2"), IPAddress("fd00::2")].compactMap { $0 }, node: "node-1",
      workloadName: "web", canonicalName: "web", canonicalRevision: "v1", tunnelProtocol: .hbone,
      isHealthy: false,
      services: [
        ServiceKey(namespace: "production", hostname: "web.production.svc.cluster.local"): [
          PortMapping(servicePort: 80, targetPort: 8080)
        ],
        ServiceKey(namespace: "production", hostname: "all.production.svc.cluster.local"): [
          PortMapping(servicePort: 81, targetPort: 0)
        ],
      ], policies: ["production/p"], network: "main", clusterID: "c1"))

  static let service = MeshResource.service(
    Service(
      name: "web", key: ServiceKey(namespace: "production", hostname: "web.production.svc.cluster.local"),
      addresses: [IPAddress("10.96.0.7")].compactMap { $0 },
      ports: [PortMapping(servicePort: 80, targetPort: 8080)],
      subjectAltNames: [identity("production", "extra")], includesUnhealthy: true))

  static let policy: MeshResource = {
    var match = Authorization.Match()
    match.namespaces = [.exact("a")]
    match.notNamespaces = [.prefix("b")]
    match.principals = [.suffix("/sa/x")]
    match.notPrincipals = [.presence]
    match.sourceIPs = [IPPrefix("10.0.0.0/8")].compactMap { $0 }
    match.notSourceIPs = [IPPrefix("10.1.0.0/16")].compactMap { $0 }
    match.destinationIPs = [IPPrefix("fd00::/8")].compactMap { $0 }
    match.notDestinationIPs = [IPPrefix("fd01::1/128")].compactMap { $0 }
    match.destinationPorts = [80]
    match.notDestinationPorts = [81, 65535]
    match.serviceAccounts = [.init(namespace: "n", serviceAccount: "s")]
    match.notServiceAccounts = [.init(namespace: "n", serviceAccount: "t")]
    return .authorization(
      Authorization(
        name: "p", namespace: "production", scope: .namespace, action: .deny,
        rules: [.init(clauses: [.init(matches: [match])])], isDryRun: true))
  }()

  static func identity(_ namespace: String, _ account: String) -> Identity {
    guard
      let identity = try? Identity(trustDomain: .clusterLocal, namespace: namespace, serviceAccount: account)
    else { preconditionFailure("the sample's identity is well formed") }
    return identity
  }
}
