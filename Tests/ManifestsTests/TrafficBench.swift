import Glibc
import MeshModel
import TLSEngine
import Testing

@testable import Manifests

/// A small shop, and what manifests beside it make of it when waypoints are run.
struct TrafficBench {
  let mesh: CompiledMesh
  let findings: [Finding]

  /// Two versions of orders and one of payments run, and a client; each service is of one account.
  static let shop = """
    {apiVersion: v1, kind: Namespace,
     metadata: {name: production, labels: {istio.io/dataplane-mode: ambient}}}
    ---
    {apiVersion: v1, kind: Namespace, metadata: {name: legacy}}
    ---
    """
    + ["order-service-sa", "payment-service-sa", "web-sa"].map {
      "\n{apiVersion: v1, kind: ServiceAccount, metadata: {name: \($0), namespace: production}}\n---"
    }.joined()
    + service("order-service") + service("payment-service") + service("old", in: "legacy")
    + pod("order-1", "order-service", "v1", "10.244.0.1")
    + pod("order-2", "order-service", "v2", "10.244.0.2")
    + pod("payment-1", "payment-service", "v1", "10.244.0.3") + pod("web-1", "web", "v1", "10.244.0.4")
    + pod("old-1", "old", "v1", "10.244.0.5", in: "legacy", account: "default")

  static func service(_ name: String, in namespace: String = "production", app: String? = nil) -> String {
    """

    {apiVersion: v1, kind: Service, metadata: {name: \(name), namespace: \(namespace)},
     spec: {selector: {app: \(app ?? name)}, ports: [{name: http, port: 80, targetPort: 8080}]}}
    ---
    """
  }

  static func pod(
    _ name: String, _ app: String, _ version: String, _ address: String, in namespace: String = "production",
    account: String? = nil, labels: String = ""
  ) -> String {
    """

    {apiVersion: v1, kind: Pod,
     metadata: {name: \(name), namespace: \(namespace), labels: {app: \(app), version: \(version)\(labels)}},
     spec: {serviceAccountName: \(account ?? "\(app)-sa"),
      containers: [{name: c, ports: [{containerPort: 8080}]}]},
     status: {podIP: \(address), conditions: [{type: Ready, status: "True"}]}}
    ---
    """
  }

  /// A file beside the manifests, with one authority.
  static let authorities = "certificates/ca.pem"
  static let authority =
    (try? CertificateIssuer(trustDomain: .clusterLocal, now: Int64(time(nil))))?.bundle.pem ?? ""

  init(_ manifests: String..., hasWaypoints: Bool = true) throws {
    self.init(
      files: manifests.enumerated().map { ManifestFile(path: "\($0).yaml", text: $1) },
      hasWaypoints: hasWaypoints)
  }

  init(files: [ManifestFile], attached: [String: AttachedFile] = [:], hasWaypoints: Bool = true) {
    let (objects, reading) = ManifestSet.load(
      files: [ManifestFile(path: "shop.yaml", text: Self.shop)] + files,
      attached: [Self.authorities: .text(Self.authority)].merging(attached) { _, given in given })
    var options = CompileOptions()
    options.hasWaypoints = hasWaypoints
    let (mesh, compiling) = MeshCompiler.compile(objects, options: options)
    self.mesh = mesh
    findings = reading + compiling
  }

  var codes: [String] { findings.map(\.code.rawValue).sorted() }

  func waypoint(_ account: String) -> WaypointConfiguration? {
    mesh.waypoints.first { $0.waypoint.serviceAccount == account }
  }

  /// What is done with requests to a service of production.
  func traffic(_ name: String) -> ServiceTraffic? {
    mesh.waypoints.flatMap(\.services).first { $0.service == Self.key(name) }
  }

  func destination(_ name: String) -> DestinationTraffic? {
    mesh.waypoints.flatMap(\.destinations).first { $0.service == Self.key(name) }
  }

  static func key(_ name: String, _ namespace: String = "production") -> ServiceKey {
    ServiceKey(namespace: namespace, hostname: "\(name).\(namespace).svc.cluster.local")
  }

  /// A VirtualService whose rules are one line each.
  static func routing(
    _ name: String, _ namespace: String = "production", hosts: String = "order-service",
    to host: String = "order-service", more: String = "", created: String = "", spec: String = ""
  ) -> String {
    """
    {apiVersion: networking.istio.io/v1, kind: VirtualService,
     metadata: {name: \(name), namespace: \(namespace), creationTimestamp: "\(created)"},
     spec: {hosts: ["\(hosts)"], http: [{route: [{destination: {host: "\(host)"\(more)}}]}]\(spec)}}
    """
  }

  static func rule(
    _ name: String, _ namespace: String = "production", host: String = "order-service", spec: String
  ) -> String {
    """
    {apiVersion: networking.istio.io/v1, kind: DestinationRule,
     metadata: {name: \(name), namespace: \(namespace)}, spec: {host: "\(host)", \(spec)}}
    """
  }
}

extension ServiceTraffic {
  var backends: [[Backend]] {
    rules.map { if case .forward(let forward) = $0.action { forward.backends } else { [] } }
  }
}
