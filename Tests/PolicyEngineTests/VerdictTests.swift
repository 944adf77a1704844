import MeshModel
import Testing

@testable import PolicyEngine

/// The order of decisions: DENY, then ignorance, then ALLOW.
@Suite struct VerdictTests {
  let order: Identity
  let other: Identity

  init() throws {
    order = try identity("production", "order-service-sa")
    other = try identity("staging", "someone")
  }

  private var isOrder: Authorization.Rule {
    rule { $0.principals = [.exact("cluster.local/ns/production/sa/order-service-sa")] }
  }

  @Test func withoutPoliciesAllIsAllowed() throws {
    #expect(try refusal(order, []) == nil)
    #expect(try refusal(nil, []) == nil)
  }

  @Test func anAllowPolicyClosesTheRest() throws {
    let policies = [policy("orders", .allow, [isOrder])]
    #expect(try refusal(order, policies) == nil)
    #expect(try refusal(other, policies) == .noPolicyAllows)
    #expect(try refusal(nil, policies) == .noPolicyAllows)
  }

  @Test func oneAllowPolicyIsEnough() throws {
    let policies = [policy("none", .allow, []), policy("orders", .allow, [isOrder])]
    #expect(try refusal(order, policies) == nil)
  }

  @Test func denyBeatsAllowAndNamesThePolicy() throws {
    let policies = [policy("orders", .allow, [isOrder]), policy("closed", .deny, [isOrder])]
    #expect(try refusal(order, policies) == .policy("production/closed"))
    #expect(try refusal(other, policies) == .noPolicyAllows)
  }

  @Test func denyAloneLeavesTheRestOpen() throws {
    let policies = [policy("closed", .deny, [isOrder])]
    #expect(try refusal(order, policies) == .policy("production/closed"))
    #expect(try refusal(other, policies) == nil)
  }

  @Test func policiesWithoutRulesNeverMatch() throws {
    #expect(try refusal(order, [policy("empty", .allow, [])]) == .noPolicyAllows)
    #expect(try refusal(order, [policy("empty", .deny, [])]) == nil)
  }

  @Test func aRuleWithoutClausesMatchesAll() throws {
    let all = Authorization.Rule(clauses: [])
    #expect(try refusal(nil, [policy("all", .allow, [all])]) == nil)
    #expect(try refusal(order, [policy("all", .deny, [all])]) == .policy("production/all"))
  }

  @Test func aClauseWithoutMatchesHolds() throws {
    let empty = Authorization.Rule(clauses: [Authorization.Clause(matches: [])])
    #expect(try refusal(order, [policy("all", .deny, [empty])]) == .policy("production/all"))
  }

  @Test func aMatchThatSaysNothingNeverHolds() throws {
    let nothing = rule { _ in }
    #expect(try refusal(order, [policy("broken", .deny, [nothing])]) == nil)
    #expect(try refusal(order, [policy("broken", .allow, [nothing])]) == .noPolicyAllows)
  }

  @Test func rulesAreAlternativesAndClausesAllHold() throws {
    let onPort = clause { $0.destinationPorts = [8080] }
    let byOrder = clause { $0.namespaces = [.exact("production")] }
    let both = Authorization.Rule(clauses: [onPort, byOrder])
    #expect(try refusal(order, [policy("p", .allow, [both])]) == nil)
    #expect(try refusal(other, [policy("p", .allow, [both])]) == .noPolicyAllows)
    #expect(try refusal(order, to: "10.244.2.3:9090", [policy("p", .allow, [both])]) == .noPolicyAllows)
    let either = [Authorization.Rule(clauses: [onPort]), Authorization.Rule(clauses: [byOrder])]
    #expect(try refusal(order, to: "10.244.2.3:9090", [policy("p", .allow, either)]) == nil)
    #expect(try refusal(other, [policy("p", .allow, either)]) == nil)
    #expect(try refusal(other, to: "10.244.2.3:9090", [policy("p", .allow, either)]) == .noPolicyAllows)
  }

  @Test func matchesOfAClauseAreAlternatives() throws {
    var first = Authorization.Match()
    first.destinationPorts = [1]
    var second = Authorization.Match()
    second.namespaces = [.exact("production")]
    let rule = Authorization.Rule(clauses: [Authorization.Clause(matches: [first, second])])
    #expect(try refusal(order, [policy("p", .allow, [rule])]) == nil)
  }

  @Test func dryRunHasNoSay() throws {
    let all = Authorization.Rule(clauses: [])
    #expect(try refusal(order, [policy("all", .deny, [all], isDryRun: true)]) == nil)
    #expect(try refusal(order, [policy("none", .allow, [], isDryRun: true)]) == nil)
  }

  @Test func ignoranceDenies() throws {
    let all = Authorization.Rule(clauses: [])
    let missing = ApplicablePolicies([policy("all", .allow, [all])], missing: ["production/late"])
    #expect(try refusal(order, missing) == .policyUnknown("production/late"))
    let unknown = ApplicablePolicies([policy("all", .allow, [all])], isDelivered: false)
    #expect(try refusal(order, unknown) == .notReady)
    let known = ApplicablePolicies([policy("all", .deny, [all])], missing: ["production/late"])
    #expect(try refusal(order, known) == .policy("production/all"))
  }

  @Test func strictAsksForMutualTLS() throws {
    let strict = Authorization(
      name: ConvertedPolicy.staticStrict, namespace: "istio-system", scope: .workloadSelector, action: .deny,
      rules: [rule { $0.notPrincipals = [.presence] }])
    #expect(try refusal(nil, [strict]) == .mtlsRequired)
    #expect(try refusal(order, [strict]) == nil)
  }

  @Test func strictPortsAndTheirExceptions() throws {
    let plaintext = clause { $0.notPrincipals = [.presence] }
    let strictPort = Authorization(
      name: ConvertedPolicy.prefix + "ports", namespace: "production", scope: .workloadSelector,
      action: .deny,
      rules: [Authorization.Rule(clauses: [plaintext, clause { $0.destinationPorts = [8443] }])])
    #expect(try refusal(nil, to: "10.244.2.3:8443", [strictPort]) == .mtlsRequired)
    #expect(try refusal(nil, to: "10.244.2.3:8080", [strictPort]) == nil)
    let exception = Authorization(
      name: ConvertedPolicy.prefix + "except", namespace: "production", scope: .workloadSelector,
      action: .deny,
      rules: [Authorization.Rule(clauses: [plaintext, clause { $0.notDestinationPorts = [8080] }])])
    #expect(try refusal(nil, to: "10.244.2.3:8080", [exception]) == nil)
    #expect(try refusal(nil, to: "10.244.2.3:8443", [exception]) == .mtlsRequired)
    #expect(try refusal(order, to: "10.244.2.3:8443", [exception]) == nil)
  }

  @Test func aPermitNamesWhatMayBeDialed() throws {
    let workload = Workload(
      uid: "u", name: "payment", namespace: "production", identity: try identity("production", "sa"),
      addresses: [])
    let answer = verdict(
      peer: Peer(identity: order, address: try address("10.0.0.1:1")),
      destination: Destination(workload: workload, address: try address("10.244.2.3:8080")),
      policies: ApplicablePolicies([]))
    switch consume answer {
    case .allow(let permit):
      #expect(permit.destination.description == "10.244.2.3:8080")
      #expect(permit.peer == order)
    case .deny(let reason): Issue.record("denied: \(reason)")
    }
  }
}

@Suite("Behind a waypoint")
struct WaypointVerdictTests {
  private func behind(_ waypoints: [Identity], _ policies: [Authorization] = []) -> ApplicablePolicies {
    var applicable = ApplicablePolicies(policies)
    applicable.waypoints = waypoints
    return applicable
  }

  @Test("only the waypoint is allowed, whatever else policy says")
  func onlyTheWaypoint() throws {
    let waypoint = try identity("production", "payments-waypoint")
    let client = try identity("production", "web")
    let everybody = policy("everybody", .allow, [Authorization.Rule(clauses: [])])
    #expect(try refusal(waypoint, behind([waypoint])) == nil)
    #expect(try refusal(client, behind([waypoint], [everybody])) == .waypointRequired)
    #expect(try refusal(nil, behind([waypoint], [everybody])) == .waypointRequired)
    #expect(try refusal(waypoint, behind([])) == .waypointRequired)
    #expect(
      try refusal(
        identity("production", "payments-waypoint", domain: TrustDomain("other")), behind([waypoint]))
        == .waypointRequired)
  }

  @Test("policies for requests are not judged on the waypoint's own identity")
  func noPolicyOnTheWaypoint() throws {
    let waypoint = try identity("production", "payments-waypoint")
    let nobody = policy("nobody", .allow, [])
    #expect(try refusal(waypoint, behind([waypoint], [nobody])) == nil)
  }
}
