import HTTPModel
import MeshModel
import PolicyEngine
import Testing

@testable import Manifests

/// What waypoints get of an AuthorizationPolicy, from the manifest to the verdict on a request.
@Suite struct WholePolicyTests {
  private func allows(_ mesh: CompiledMesh, _ change: (inout RequestFacts) -> Void) throws -> Bool {
    let peer = try Identity(spiffe: "spiffe://cluster.local/ns/production/sa/order-sa")
    var request = RequestFacts(
      method: "GET", path: "/v1/a/b", host: "Pay.test:80", fields: [Field("x-a", "one")],
      token: TokenIdentity(
        principal: "iss/sub", audiences: ["aud"], presenter: "me",
        claims: ["a": .object(["b": .list(["c", "d"])])]))
    change(&request)
    let workload = Workload(
      uid: "u", name: "payment", namespace: "production", identity: peer, addresses: [])
    let policies = mesh.requestAuthorizations.values.sorted { $0.key < $1.key }
    return verdict(
      peer: Peer(identity: peer, address: SocketAddress(IPAddress(v4: 0x0af4_0009), 1)),
      destination: Destination(
        workload: workload, address: SocketAddress(IPAddress(v4: 0x0af4_0002), 8080)),
      request: request, policies: ApplicablePolicies(policies)
    ).refusal == nil
  }

  /// A part that holds for the request, and its twin does not.
  @Test(arguments: [
    ("methods", "GET"), ("methods", "G*"), ("paths", "/v1/a/b"), ("paths", "/v1/*"), ("paths", "*/b"),
    ("paths", "/v1/{*}/b"), ("paths", "/v1/{**}"), ("hosts", "PAY.test"), ("hosts", "*.test"),
    ("ports", "8080"),
  ])
  func everyPartOfAnOperation(field: String, value: String) throws {
    for (key, holds) in [(field, true), ("not" + field.prefix(1).uppercased() + field.dropFirst(), false)] {
      for (action, isAllowed) in [("ALLOW", holds), ("DENY", !holds)] {
        let rule = "[{to: [{operation: {\(key): [\"\(value)\"]}}]}]"
        let bench = try PolicyBench(policy("p", action: action, rules: rule))
        #expect(try allows(bench.mesh) { _ in } == isAllowed, "\(action) \(rule)")
      }
    }
  }

  @Test(arguments: [
    ("request.headers[X-A]", "one"), ("request.headers[host]", "pay.test"),
    ("request.headers[:method]", "GET"),
    ("remote.ip", "10.244.0.0/24"), ("request.auth.principal", "iss/*"), ("request.auth.audiences", "aud"),
    ("request.auth.presenter", "me"), ("request.auth.claims[a][b]", "d"), ("source.trustDomain", "*.local"),
    ("source.ip", "10.244.0.9"), ("destination.port", "8080"),
  ])
  func everyCondition(key: String, value: String) throws {
    for (list, holds) in [("values", true), ("notValues", false)] {
      for (action, isAllowed) in [("ALLOW", holds), ("DENY", !holds)] {
        let rule = "[{when: [{key: \"\(key)\", \(list): [\"\(value)\"]}]}]"
        let bench = try PolicyBench(policy("p", action: action, rules: rule))
        #expect(try allows(bench.mesh) { _ in } == isAllowed, "\(action) \(rule)")
      }
    }
  }

  @Test func sourcesOperationsAndConditionsMustAllHold() throws {
    let rule = """
      [{from: [{source: {requestPrincipals: [iss/sub]}}, {source: {remoteIpBlocks: [203.0.113.0/24]}}],
        to: [{operation: {methods: [GET], paths: [/v1/*]}}, {operation: {methods: [PUT]}}],
        when: [{key: "request.headers[x-a]", values: [one]}]}]
      """.split(separator: "\n").joined(separator: " ")
    let mesh = try PolicyBench(policy("p", rules: rule)).mesh
    #expect(try allows(mesh) { _ in })
    #expect(try allows(mesh) { $0.method = "PUT" })
    #expect(try allows(mesh) { ($0.token, $0.remote) = (nil, IPAddress("203.0.113.1")) })
    #expect(try !allows(mesh) { $0.token = nil })
    #expect(try !allows(mesh) { $0.path = "/v2" })
    #expect(try !allows(mesh) { $0.fields = [] })
  }

  /// What not even a waypoint knows fails closed there too.
  @Test func whatNobodyKnowsIsClosed() throws {
    let rule = "[{when: [{key: experimental.envoy.filters.a, values: [b]}]}]"
    let allow = try PolicyBench(policy("p", rules: rule)).mesh
    #expect(try !allows(allow) { _ in })
    let deny = try PolicyBench(policy("p", action: "DENY", rules: rule)).mesh
    #expect(try !allows(deny) { _ in })
  }

  /// Agents get no term, whatever the policy asks.
  @Test(arguments: AuthorizationPolicyTests.requestParts)
  func agentsAreAskedNothingOfRequests(rule: String) throws {
    for action in ["ALLOW", "DENY", "AUDIT"] {
      let mesh = try PolicyBench(
        policy("p", action: action, rules: "[\(rule)]")
      ).mesh
      #expect(mesh.authorizations.allSatisfy { !$0.hasTerms })
      #expect(mesh.requestAuthorizations["production/p"]?.hasTerms == true)
    }
  }

  @Test(arguments: [
    "{to: [{operation: {paths: [/a/*/b]}}]}", "{to: [{operation: {paths: [\"/a/{x}\"]}}]}",
    "{to: [{operation: {methods: [G*T]}}]}", "{to: [{operation: {hosts: [\"a*b\"]}}]}",
    "{when: [{key: \"request.headers[a b]\", values: [c]}]}",
    "{when: [{key: \"request.headers[]\", values: [c]}]}",
    "{when: [{key: \"request.headers[a][b]\", values: [c]}]}",
    "{when: [{key: \"request.headers[:path]\", values: [c]}]}",
    "{when: [{key: \"request.auth.claims[a][]\", values: [c]}]}",
    "{from: [{source: {remoteIpBlocks: [10.0.0.0/33]}}]}",
  ])
  func whatCanNeverHoldIsAnErrorAndCloses(rule: String) throws {
    for action in ["ALLOW", "DENY"] {
      let bench = try PolicyBench(
        policy("p", action: action, rules: "[\(rule)]"))
      #expect(bench.findings.contains { $0.severity == .error && $0.code != .closedPolicy })
      #expect(try !allows(bench.mesh) { _ in })
    }
  }
}
