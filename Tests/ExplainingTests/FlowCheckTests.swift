import Manifests
import MeshModel
import Testing

@testable import Explaining

/// What a change of policy would do to those who have called before.
@Suite struct FlowCheckTests {
  private func check(_ flows: [String], policies: String...) throws -> FlowCheck {
    let files = ([ExplainerTests.shop] + policies).enumerated().map {
      ManifestFile(path: "f\($0).yaml", text: $1)
    }
    let (objects, reading) = ManifestSet.load(files: files)
    let (mesh, compiling) = MeshCompiler.compile(objects)
    #expect(!(reading + compiling).containsErrors)
    let histories = try flows.map { try FlowFileTests.file($0) }
    return FlowCheck(Explainer(objects, mesh), against: histories)
  }

  private static let order = FlowFileTests.web
    .replacing("web-sa", with: "order-sa").replacing("production/web", with: "production/order")
  private static let plaintext = FlowFileTests.web
    .replacing("\"identity\":\"spiffe://cluster.local/ns/production/sa/web-sa\",", with: "")
    .replacing("production/web", with: "legacy/old").replacing("true", with: "false")
  private static let strict = """
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {name: default, namespace: production}
    spec: {mtls: {mode: STRICT}}
    """

  @Test func theCallerThatWouldBeDeniedIsNamedAndNobodyElse() throws {
    let check = try check([FlowFileTests.web, Self.order], policies: ExplainerTests.onlyOrder)
    #expect(
      check.findings.map(\.description) == [
        "f1.yaml:7: warning APUS901 (AuthorizationPolicy production/payment-authz): "
          + "spiffe://cluster.local/ns/production/sa/web-sa to production/payment port 8080: "
          + "12 connections allowed, last seen 2026-11-24T02:01:39Z, and would be denied: ALLOW policies "
          + "bind it, and none allows this (no-policy-allows); nearest miss ALLOW production/payment-authz: "
          + "principal is cluster.local/ns/production/sa/web-sa, and must be "
          + "cluster.local/ns/production/sa/order-sa. Allow the caller, or make sure that it may go."
      ])
    #expect(check.recorded == 2 && check.unjudged == 0)
    #expect(try self.check([FlowFileTests.web, Self.order]).findings.isEmpty)
  }

  @Test func strictNamesThoseWhoCallInPlaintext() throws {
    let check = try check([FlowFileTests.web, Self.plaintext], policies: Self.strict)
    #expect(
      check.findings.map(\.description) == [
        "f1.yaml:1: warning APUS902 (PeerAuthentication production/default): plaintext of legacy/old to "
          + "production/payment port 8080: 12 connections allowed, last seen 2026-11-24T02:01:39Z, and would "
          + "be denied: PeerAuthentication asks for mutual TLS, and the source has no identity "
          + "(mtls-required). Enroll the caller first, or leave the port PERMISSIVE with portLevelMtls."
      ])
  }

  @Test func addressesAreThoseOfTheCaller() throws {
    let policy = """
      apiVersion: security.istio.io/v1
      kind: AuthorizationPolicy
      metadata: {name: near, namespace: production}
      spec: {rules: [{from: [{source: {ipBlocks: [10.244.1.0/24]}}]}]}
      """
    let far = FlowFileTests.web.replacing("10.244.1.2", with: "10.244.9.2")
    #expect(try check([FlowFileTests.web], policies: policy).findings.isEmpty)
    #expect(try check([far], policies: policy).findings.map(\.code) == [.deniesRecorded])
  }

  @Test func historiesOfSeveralNodesAreOne() throws {
    let check = try check(
      [FlowFileTests.web, FlowFileTests.web.replacing("01:39Z", with: "05:00Z")],
      policies: ExplainerTests.onlyOrder)
    #expect(check.recorded == 1 && check.findings.count == 1)
    let message = try #require(check.findings.first?.message)
    #expect(message.contains("24 connections allowed, last seen 2026-11-24T02:05:00Z"))
  }

  @Test func whatIsBehindAWaypointIsNotJudgedByTheAgentsPolicies() throws {
    let identity = try Identity(spiffe: "spiffe://cluster.local/ns/production/sa/payment-sa")
    var workload = Workload(
      uid: "Kubernetes//Pod/production/payment", name: "payment", namespace: "production",
      identity: identity, addresses: [IPAddress(v4: 0x0af4_0202)], tunnelProtocol: .hbone)
    workload.waypoint = ServiceKey(namespace: "production", hostname: "waypoint.production.svc.cluster.local")
    let explainer = Explainer(
      workloads: [workload], services: [], authorizations: [], trustDomains: [.clusterLocal])
    let check = FlowCheck(explainer, against: [try FlowFileTests.file(FlowFileTests.web)])
    #expect(check.findings.map(\.code) == [.notJudged] && check.unjudged == 1)
    #expect(check.findings.first?.message.contains("production/payment is behind a waypoint") == true)
    workload.waypoint = nil
    let open = Explainer(
      workloads: [workload], services: [], authorizations: [], trustDomains: [.clusterLocal])
    #expect(FlowCheck(open, against: [try FlowFileTests.file(FlowFileTests.web)]).findings.isEmpty)
  }

  @Test func whatIsNotInTheManifestsIsReported() throws {
    let other = FlowFileTests.web.replacing("production/payment", with: "elsewhere/payment")
    let check = try check([other])
    #expect(check.findings.map(\.code) == [.notJudged])
    #expect(check.findings.first?.severity == .info && check.findings.first?.file == "flows.json")
    #expect(check.findings.first?.message.contains("no workload elsewhere/payment") == true)
    #expect(check.recorded == 1 && check.unjudged == 1)
  }

  @Test func whoWasDeniedAndWouldNotBeIsTold() throws {
    let denied = FlowFileTests.web
      .replacing(#""allowed":12,"denied":0"#, with: #""allowed":0,"denied":3"#)
      .replacing(#""last":"allowed","lastDenial":"""#, with: #""last":"denied","lastDenial":"policy:a/b""#)
    let check = try check([denied])
    #expect(check.findings.map(\.code) == [.allowsRecorded])
    #expect(check.findings.first?.severity == .info)
    let message = try #require(check.findings.first?.message)
    #expect(message.contains("was last denied (policy:a/b), and would be allowed"))
    // Denied then and denied now is nothing new.
    #expect(try self.check([denied], policies: ExplainerTests.onlyOrder).findings.isEmpty)
    // Allowed once, denied since: told, and that it is denied already.
    let both = denied.replacing("\"allowed\":0", with: "\"allowed\":1")
    let again = try self.check([both], policies: ExplainerTests.onlyOrder).findings
    #expect(again.map(\.code) == [.deniesRecorded])
    #expect(again.first?.message.hasSuffix("; the last was denied already (policy:a/b)") == true)
  }
}
