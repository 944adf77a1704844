import ClusterWatch
import Logging
import Synchronization

/// Keeps the mesh's roots in a ConfigMap of every namespace, where pods that have no other way can mount
/// them (waypoints).
final class RootBundles: Sendable {
  private let client: ClusterClient
  private let log: Logger
  /// What was written where.
  private let written = Mutex<[String: String]>([:])

  init(_ client: ClusterClient, log: Logger) {
    self.client = client
    self.log = log
  }

  /// Forgets what was written, so that all is looked at again.
  func forget() { written.withLock { $0 = [:] } }

  func write(_ roots: String, into namespaces: [String]) async {
    written.withLock { written in written = written.filter { namespaces.contains($0.key) } }
    for namespace in namespaces where written.withLock({ $0[namespace] }) != roots {
      do throws(ClusterError) {
        try await client.apply(
          "/api/v1/namespaces/\(namespace)/configmaps/\(WaypointObjects.roots)",
          [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": [
              "name": .text(WaypointObjects.roots), "namespace": .text(namespace),
              "labels": ["app.kubernetes.io/managed-by": "apus"],
            ],
            "data": ["root-cert.pem": .text(roots)],
          ])
        written.withLock { $0[namespace] = roots }
      } catch {
        // A namespace that ends takes no new objects; the others are looked at again with the next change.
        log.warning(
          "the roots cannot be written", metadata: ["namespace": "\(namespace)", "error": "\(error)"])
      }
    }
  }
}
