import Foundation
import MeshModel
import Testing

@testable import Inspecting

@Suite struct WaypointManifestsTests {
  private static let text = """
    # The shop.
    apiVersion: v1
    kind: Namespace
    metadata: {name: production, labels: {istio.io/dataplane-mode: ambient}}
    ---
    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: web-sa, namespace: production} # who it is
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: web
      namespace: production
    spec: {selector: {app: web}, ports: [{port: 80}]}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: web-1, namespace: production, labels: {app: web}}
    spec: {serviceAccountName: web-sa, containers: [{name: main, command: [serve]}]}
    status:
      phase: Running
      podIPs: [{ip: 10.0.0.1}]
      conditions: [{type: Ready, status: "True"}]

    """
  private static let account = WaypointName(namespace: "production", serviceAccount: "web-sa")

  /// A directory that is gone afterwards.
  private func inDirectory(_ body: (String, WaypointManifests) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "inspecting-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/shop.yaml"
    try Self.text.write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    try body(path, WaypointManifests([folder]))
  }

  @Test func applyAsksAndDeleteTakesBack() throws {
    try inDirectory { path, manifests throws in
      #expect(try manifests.waypoints().isEmpty)
      let edits = try manifests.apply(.account(Self.account), replicas: 2)
      #expect(
        edits.map(\.description) == [
          "\(path):8: ServiceAccount production/web-sa: apus.io/waypoint: always",
          "\(path):8: ServiceAccount production/web-sa: apus.io/waypoint-replicas: 2",
        ])
      let written = try String(contentsOfFile: path, encoding: .utf8)
      #expect(written.hasPrefix("# The shop.\n"))
      #expect(written.contains("apus.io/waypoint: always}} # who it is\n"))
      #expect(written.count > Self.text.count)
      let waypoints = try manifests.waypoints()
      #expect(waypoints.map(\.waypoint) == [Self.account])
      #expect(waypoints.first?.replicas == 2 && waypoints.first?.isAlwaysOn == true)
      #expect(waypoints.first?.reasons == ["ServiceAccount production/web-sa says apus.io/waypoint: always"])
      #expect(try manifests.apply(.account(Self.account)).map(\.isChange) == [false])

      #expect(try manifests.delete(.account(Self.account)).map(\.isChange) == [true, true])
      #expect(try manifests.waypoints().isEmpty)
      let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
      #expect(mode == 0o640)
    }
  }

  @Test func servicesAndNamespacesGetALabel() throws {
    try inDirectory { path, manifests throws in
      _ = try manifests.apply(.service(namespace: "production", name: "web"))
      #expect(
        try manifests.waypoints().first?.reasons == [
          "Service production/web has the label istio.io/use-waypoint"
        ])
      #expect(try manifests.waypoints().first?.isAlwaysOn == false)
      _ = try manifests.delete(.service(namespace: "production", name: "web"))
      #expect(try String(contentsOfFile: path, encoding: .utf8) == Self.text)
      _ = try manifests.apply(.namespace("production"))
      #expect(try manifests.waypoints().count == 1)
      _ = try manifests.delete(.namespace("production"))
      #expect(try String(contentsOfFile: path, encoding: .utf8) == Self.text)
    }
  }

  @Test func aTrialWritesNothing() throws {
    try inDirectory { path, manifests throws in
      #expect(try manifests.apply(.account(Self.account), isDryRun: true).map(\.isChange) == [true])
      #expect(try String(contentsOfFile: path, encoding: .utf8) == Self.text)
    }
  }

  @Test func saysWhatIsMissing() throws {
    try inDirectory { path, manifests throws in
      let nobody = WaypointName(namespace: "production", serviceAccount: "nobody")
      let error = #expect(throws: WaypointManifestError.self) { try manifests.apply(.account(nobody)) }
      #expect(error?.description.hasPrefix("No ServiceAccount production/nobody is declared in ") == true)
      try "kind: [".write(toFile: path, atomically: true, encoding: .utf8)
      let broken = #expect(throws: WaypointManifestError.self) { try manifests.waypoints() }
      #expect(broken?.description.contains("shop.yaml:") == true)
    }
  }
}
