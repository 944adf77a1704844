import Bytes
import ClusterWatch
import Foundation
import Logging
import Manifests
import MeshModel
import Reactor
import TLSEngine
import Testing

@testable import ControlKit

/// What a control plane makes of a cluster's answers; the cluster itself is in the end-to-end claims.
@Suite struct ClusterTests {
  private func reviews() throws -> TokenReviews {
    let thread = try ReactorThread(name: "t-cluster")
    let directory = FileManager.default.temporaryDirectory.path + "/apus-k-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: Clock.wall() / 1_000_000_000)
    try Files.write(Array(issuer.bundle.pem.utf8), to: "\(directory)/ca.crt")
    try Files.write(Array("token".utf8), to: "\(directory)/token")
    let access = try ClusterAccess.inCluster(
      environment: ["KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"], home: directory)
    #expect(access.server == "https://127.0.0.1:1")
    return TokenReviews(
      try ClusterClient(access, on: thread), namespace: "apus-system", agentAccount: "apus-agent",
      nodeOfPod: { $0 == "apus-system/agent-x" ? "node-9" : nil }, log: Logger(label: "t"))
  }

  private func status(
    _ name: String, authenticated: Bool = true, audiences: JSONValue? = ["apus-ca"],
    extra: JSONValue = [:]
  ) -> JSONValue {
    var fields: [String: JSONValue] = [
      "authenticated": .boolean(authenticated), "user": ["username": .text(name), "extra": extra],
    ]
    if let audiences { fields["audiences"] = audiences }
    return .object(fields)
  }

  @Test func tokensStandForNodesAndWaypoints() throws {
    let reviews = try reviews()
    let agent = "system:serviceaccount:apus-system:apus-agent"
    let onNode: JSONValue = ["authentication.kubernetes.io/node-name": ["node-1"]]
    #expect(reviews.caller(status(agent, extra: onNode)) == "node-1")
    // Older clusters say the pod alone.
    let ofPod: JSONValue = ["authentication.kubernetes.io/pod-name": ["agent-x"]]
    #expect(reviews.caller(status(agent, extra: ofPod)) == "node-9")
    #expect(reviews.caller(status(agent)) == nil)
    #expect(reviews.caller(status("system:serviceaccount:shop:pay-waypoint")) == "shop/pay-waypoint")
  }

  @Test func othersHaveNoBusinessHere() throws {
    let reviews = try reviews()
    let agent = "system:serviceaccount:apus-system:apus-agent"
    let onNode: JSONValue = ["authentication.kubernetes.io/node-name": ["node-1"]]
    #expect(reviews.caller(status(agent, authenticated: false, extra: onNode)) == nil)
    #expect(reviews.caller(status(agent, audiences: nil, extra: onNode)) == nil)
    #expect(reviews.caller(status(agent, audiences: ["https://kubernetes.default"], extra: onNode)) == nil)
    #expect(reviews.caller(status("system:serviceaccount:shop:pay", extra: onNode)) == nil)
    #expect(reviews.caller(status("system:serviceaccount:other:apus-agent", extra: onNode)) == nil)
    #expect(reviews.caller(status("apus-agent", extra: onNode)) == nil)
    #expect(reviews.caller(nil) == nil)
  }

  @Test func whoCannotBeAskedKnowsNobody() async throws {
    let caller = try await reviews().caller(of: "some-token")
    #expect(caller == nil)
  }

  @Test func namesWhatIsMissing() {
    let error = #expect(throws: ClusterError.self) { try ClusterAccess.inCluster(environment: [:]) }
    #expect(error.map { "\($0)" }?.contains("--kubeconfig") == true)
  }

  // MARK: Status

  private func standing(_ mode: String) throws -> (ObjectStanding, ManifestUpdate) {
    var set = ClusterSet()
    let kind = try #require(ClusterKind.all.first { $0.kind == "PeerAuthentication" })
    let text = """
      {"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"p","namespace":"shop","generation":3},
      "spec":{"mtls":{"mode":"\(mode)"}}}]}
      """
    set.replace(kind, with: try ClusterList(Array(text.utf8), of: kind, version: "v1").objects)
    let compiled = set.compile()
    let update = try #require(compiled)
    return (try #require(set.standings.first), update)
  }

  @Test func statusSaysWhyAndKeepsWhatOthersSay() throws {
    let (standing, update) = try standing("LOOSE")
    let status = PolicyStatus(standing, findings: update.findings, waypoints: [])
    #expect(status.conditions.map(\.isTrue) == [false] && status.generation == 3)
    #expect(status.conditions[0].message.contains("LOOSE"))
    let foreign: JSONValue = ["type": "Other", "status": "True"]
    let object: JSONValue = ["metadata": ["name": "p"], "status": ["conditions": [foreign], "x": 1]]
    let next = try #require(status.applied(to: object, now: "2026-01-01T00:00:00Z"))
    #expect(next["status"]?["conditions"]?.list.first == foreign && next["status"]?["x"]?.integer == 1)
    #expect(status.applied(to: next, now: "2027-01-01T00:00:00Z") == nil)

    let (good, fine) = try self.standing("STRICT")
    let accepted = PolicyStatus(
      good, findings: fine.findings, waypoints: [WaypointName(namespace: "shop", serviceAccount: "web")])
    #expect(accepted.conditions.map(\.type) == ["Accepted", "WaypointBound"])
    #expect(accepted.conditions.map(\.isTrue) == [true, true])
    let changed = try #require(accepted.applied(to: next, now: "2027-01-01T00:00:00Z"))
    let times = changed["status"]?["conditions"]?.list.map { $0["lastTransitionTime"]?.text }
    #expect(times == [nil, "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"])
    // A condition whose status stays keeps its time.
    let again = try #require(
      PolicyStatus(good, findings: [], waypoints: []).applied(to: changed, now: "2028-01-01T00:00:00Z"))
    #expect(
      again["status"]?["conditions"]?.list.last?["lastTransitionTime"]?.text == "2027-01-01T00:00:00Z")
  }

  /// Of a route of the Gateway API each parent that is a service has its own, beside what others say.
  @Test func routesHaveTheStatusOfTheirParents() throws {
    var set = ClusterSet()
    let kind = try #require(ClusterKind.all.first { $0.kind == "HTTPRoute" })
    let text = """
      {"metadata":{"name":"r","namespace":"shop","generation":5},"spec":{"parentRefs":[
      {"kind":"Service","group":"","name":"web"}],"rules":[{"backendRefs":[{"name":"web","port":80}]}]}}
      """
    set.put(kind, try ClusterObject(Array(text.utf8), of: kind, version: "v1"))
    let update = set.compile()
    let standing = try #require(set.standings.first)
    let status = PolicyStatus(standing, findings: [], waypoints: [])
    let service: JSONValue = ["kind": "Service", "group": "", "name": "web"]
    let foreign: JSONValue = ["controllerName": "other.io/gateway", "parentRef": ["name": "edge"]]
    let object: JSONValue = [
      "metadata": ["name": "r"], "spec": ["parentRefs": [["kind": "Gateway", "name": "edge"], service]],
      "status": ["parents": [foreign]],
    ]
    let next = try #require(status.applied(to: object, now: "2026-01-01T00:00:00Z"))
    let parents = next["status"]?["parents"]?.list ?? []
    #expect(parents.count == 2 && parents.first == foreign && update != nil)
    #expect(parents.last?["parentRef"] == service)
    #expect(parents.last?["conditions"]?.list.first?["observedGeneration"]?.integer == 5)
    #expect(status.applied(to: next, now: "2027-01-01T00:00:00Z") == nil)
  }

  @Test func waypointsAreFoundByTheirReasons() {
    var configuration = WaypointConfiguration(
      waypoint: WaypointName(namespace: "shop", serviceAccount: "web"))
    configuration.reasons = ["AuthorizationPolicy shop/pay asks for methods"]
    #expect(
      StatusWriter.waypoints([configuration])
        == ["AuthorizationPolicy shop/pay": [WaypointName(namespace: "shop", serviceAccount: "web")]])
  }

  // MARK: Waypoints

  /// A release that comes to a replica that started nothing still stops it; a demand that is shared is told
  /// again and again.
  @Test func aSharedDemandIsReleasedByAnyReplica() {
    var demand = WaypointDemand()
    let name = WaypointName(namespace: "shop", serviceAccount: "web")
    let service = ServiceKey(namespace: "shop", hostname: "web-waypoint.shop.svc.cluster.local")
    demand.replace(with: [name: .init(service: service, replicas: 1, isAlwaysOn: false)])
    let now = Instant(nanoseconds: 100_000_000_000)
    let first = demand.release(name, pod: "p", isShared: true, at: now)
    #expect(first)
    #expect(demand.released[name] == now && demand.running.isEmpty)
    let before = demand
    let isKnown = demand.activate(service, at: now + .seconds(1))
    #expect(isKnown && demand != before && demand.running == [name: 1])
    let second = demand.release(name, pod: "p", isShared: true, at: now + .seconds(2))
    #expect(!second)
  }

  @Test func waypointsRunWithoutPrivileges() throws {
    let settings = ClusterSettings(
      place: .kubeconfig("/k"), namespace: "apus-system", replica: "r",
      controlAddress: "apus-control.apus-system.svc:15012", controlName: "apus-control.apus-system.svc")
    let objects = WaypointObjects(
      waypoint: WaypointName(namespace: "shop", serviceAccount: "web"), replicas: 1, settings: settings,
      image: "registry/waypoint:1", trustDomain: .clusterLocal)
    let deployment = objects.deployment(owner: nil, running: 0)
    #expect(deployment["spec"]?["replicas"]?.integer == 0)
    let pod = deployment["spec"]?["template"]?["spec"]
    #expect(pod?["securityContext"]?["runAsNonRoot"]?.boolean == true)
    let container = pod?["containers"]?.list.first
    #expect(container?["securityContext"]?["capabilities"]?["drop"]?.list.first?.text == "ALL")
    #expect(container?["securityContext"]?["readOnlyRootFilesystem"]?.boolean == true)
    #expect(container?["args"]?.list.contains(where: { $0.text == "shop/web" }) == true)
    #expect(pod?["serviceAccountName"]?.text == "web-waypoint")
  }
}
