import HTTPRouting
import Manifests
import MeshModel

extension FuzzTarget {
  /// What users write, beside a service that it may speak of.
  static let manifests: [FuzzTarget] = [
    FuzzTarget("manifest") { bytes in
      let file = ManifestFile(path: "fuzz.yaml", text: String(decoding: bytes, as: UTF8.self))
      let shop = ManifestFile(path: "shop.yaml", text: shop)
      let (objects, _) = ManifestSet.load(files: [shop, file])
      var options = CompileOptions()
      options.hasWaypoints = true
      let (mesh, _) = MeshCompiler.compile(objects, options: options)
      for waypoint in mesh.waypoints {
        precondition(!waypoint.reasons.isEmpty, "a waypoint without a reason")
        let known = Set(waypoint.destinations.map(\.service))
        for service in waypoint.services {
          do throws(RouteTable.Malformed) {
            _ = try RouteTable(service)
          } catch {
            preconditionFailure("what was checked is refused: \(error)")
          }
          precondition(known.contains(service.service), "a service without a destination")
        }
      }
    }
  ]

  private static let shop = """
    {apiVersion: v1, kind: Namespace,
     metadata: {name: production, labels: {istio.io/dataplane-mode: ambient}}}
    ---
    {apiVersion: v1, kind: Service, metadata: {name: order-service, namespace: production},
     spec: {selector: {app: order-service}, ports: [{name: http, port: 80}]}}
    ---
    {apiVersion: v1, kind: Pod,
     metadata: {name: a, namespace: production, labels: {app: order-service, version: v1}},
     spec: {serviceAccountName: order-service-sa, containers: [{name: c}]},
     status: {podIP: 10.244.0.1, conditions: [{type: Ready, status: "True"}]}}
    """
}
