import MeshModel
import Testing

@testable import Manifests

@Suite struct WaypointWishesTests {
  private func account(_ annotations: String) -> String {
    """
    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: extra-sa, namespace: production, annotations: {\(annotations)}}
    """
  }

  private static let pod = TrafficBench.pod("extra-1", "extra", "v1", "10.244.0.9", account: "extra-sa")

  @Test func replicasAndAlwaysReachTheWaypoint() throws {
    let both = "apus.io/waypoint: always, apus.io/waypoint-replicas: \"3\""
    let bench = try TrafficBench(Self.pod, account(both))
    let waypoint = try #require(bench.mesh.waypoints.first { $0.waypoint.serviceAccount == "extra-sa" })
    #expect(waypoint.replicas == 3 && waypoint.isAlwaysOn)
    #expect(waypoint.reasons == ["ServiceAccount production/extra-sa says apus.io/waypoint: always"])
  }

  @Test func aNumberAloneAsksForNoWaypoint() throws {
    let bench = try TrafficBench(Self.pod, account("apus.io/waypoint-replicas: \"3\""))
    #expect(bench.mesh.waypoints.isEmpty)
  }

  @Test(
    arguments: [
      ("none", []), ("forwarded", [.forwarded]), ("Forwarded, x-forwarded-for", [.forwardedFor, .forwarded]),
      ("x-forwarded-client-cert,x-forwarded-client-cert", [.clientCertificate]),
    ] as [(String, [ClientField])])
  func whatIsToldOfClientsReachesTheWaypoint(text: String, fields: [ClientField]) throws {
    let bench = try TrafficBench(
      Self.pod, account("apus.io/waypoint: always, apus.io/client-fields: \"\(text)\""))
    #expect(bench.mesh.waypoints.first?.clientFields == fields)
    let other = try TrafficBench(Self.pod, account("apus.io/waypoint: always"))
    #expect(other.mesh.waypoints.first?.clientFields == ClientField.standard)
  }

  @Test func limitsReachTheWaypoint() throws {
    let wishes =
      "apus.io/waypoint: always, apus.io/max-header-bytes: \"1048576\", apus.io/request-head-timeout: 10s, "
      + "apus.io/stream-idle-timeout: 2m, apus.io/connection-idle-timeout: 1h"
    let bench = try TrafficBench(Self.pod, account(wishes))
    let waypoint = try #require(bench.mesh.waypoints.first { $0.waypoint.serviceAccount == "extra-sa" })
    var limits = RequestLimits()
    limits.maximumHead = 1 << 20
    (limits.headTimeout, limits.stallTimeout, limits.idleTimeout) = (10_000, 120_000, 3_600_000)
    #expect(waypoint.limits == limits)
  }

  @Test(arguments: [
    "apus.io/max-header-bytes: \"1048577\"", "apus.io/max-header-bytes: 1MiB",
    "apus.io/request-head-timeout: \"10\"", "apus.io/stream-idle-timeout: 10ms",
    "apus.io/connection-idle-timeout: 25h",
    "apus.io/waypoint-replicas: \"0\"", "apus.io/waypoint-replicas: \"65\"",
    "apus.io/client-fields: x-real-ip", "apus.io/client-fields: \"\"", "apus.io/client-fields: \"none,\"",
    "apus.io/waypoint-replicas: many", "apus.io/waypoint: sometimes", "apus.io/waypoint-replica: \"2\"",
  ])
  func whatCannotBeReadIsAnErrorThatNamesIt(annotation: String) throws {
    let text = account(annotation)
    let (_, findings) = ManifestSet.load(files: [ManifestFile(path: "a.yaml", text: text)])
    let finding = try #require(findings.first)
    #expect(findings.count == 1 && finding.severity == .error && finding.line == 3)
    #expect(finding.message.contains(String(annotation.prefix { $0 != ":" })))
  }
}
