import MeshModel
import Testing

@testable import Manifests

@Suite("Pods that are not enrolled, and waypoints")
struct UnenrolledTests {
  typealias Bench = TrafficBench

  @Test("a pod that is not enrolled is behind the waypoint of its account, so that policy is asked there")
  func unenrolled() throws {
    let bench = try Bench(
      Bench.routing("v"),
      Bench.pod(
        "order-9", "order-service", "v9", "10.244.0.9", labels: ", istio.io/dataplane-mode: none"))
    let pod = try #require(bench.mesh.workloads.first { $0.name == "order-9" })
    #expect(pod.tunnelProtocol == .none && pod.waypoint != nil)
    let disabled = try Bench(
      Bench.routing("v"),
      """
      {apiVersion: security.istio.io/v1, kind: PeerAuthentication,
       metadata: {name: p, namespace: production},
       spec: {selector: {matchLabels: {version: v1}}, mtls: {mode: DISABLE}}}
      """)
    let open = try #require(disabled.mesh.workloads.first { $0.name == "order-1" })
    #expect(open.tunnelProtocol == .none && open.waypoint == nil)
  }
}
