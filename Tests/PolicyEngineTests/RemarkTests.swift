import MeshModel
import Testing

@testable import PolicyEngine

/// AUDIT and dry runs are recorded, bounded, and decide nothing.
@Suite struct RemarkTests {
  private func said(
    _ policies: [[Authorization]], by account: String = "web"
  ) throws -> (remarks: PolicyRemarks?, refusal: RefusalReason?) {
    let workload = Workload(
      uid: "Kubernetes//Pod/production/payment", name: "payment", namespace: "production",
      identity: try identity("production", "payment-sa"), addresses: [])
    let peer = Peer(identity: try identity("production", account), address: try address("10.244.1.2:40000"))
    let destination = Destination(workload: workload, address: try address("10.244.2.3:8080"))
    let policies = ApplicablePolicies(groups: policies.map { PolicyGroup($0) })
    let answer = verdict(peer: peer, destination: destination, policies: policies)
    return (
      remarks(peer: peer, destination: destination, policies: policies, verdict: answer), answer.refusal
    )
  }

  private func by(_ account: String) -> Authorization.Rule {
    rule { $0.principals = [.exact("cluster.local/ns/production/sa/\(account)")] }
  }

  @Test func withoutSuchPoliciesNothingIsSaid() throws {
    let enforced = [policy("a", .allow, [by("web")]), policy("d", .deny, [by("order")])]
    #expect(PolicyGroup(enforced).watching == nil)
    #expect(try said([enforced]).remarks == nil)
  }

  @Test func anAuditThatMatchesIsNamedAndDecidesNothing() throws {
    let audits = [policy("one", .audit, [by("web")]), policy("other", .audit, [by("order")])]
    let answer = try said([audits])
    #expect(answer.refusal == nil)
    #expect(answer.remarks?.audits == ["production/one"])
    #expect(answer.remarks?.dryRuns == [])
    // A refusal is marked as well.
    let refused = try said([audits, [policy("d", .deny, [by("web")])]])
    #expect(refused.refusal == .policy("production/d"))
    #expect(refused.remarks?.audits == ["production/one"])
    #expect(try said([audits], by: "stranger").remarks == nil)
  }

  @Test func aDryRunSaysWhatItWouldDo() throws {
    let deny = policy("d", .deny, [by("web")], isDryRun: true)
    let allow = policy("a", .allow, [by("order")], isDryRun: true)
    let web = try said([[deny], [allow]])
    #expect(web.refusal == nil)
    #expect(web.remarks?.dryRuns.map(\.description) == ["policy:production/d", "no-policy-allows"])
    #expect(try said([[deny], [allow]], by: "order").remarks?.dryRuns == [.allow("production/a")])
    // Beside an ALLOW that is enforced and matches, one more that does not takes nothing away.
    let enforced = policy("e", .allow, [by("web")])
    #expect(try said([[allow, enforced]]).remarks == nil)
    // What is denied anyway would not be denied more.
    #expect(try said([[allow, policy("x", .deny, [by("web")])]]).remarks == nil)
  }

  @Test func fewAreNamedHoweverManyMatch() throws {
    let many = (0..<1_000).map {
      policy("p\($0)", .audit, [by("web"), rule { $0.destinationPorts = [8080] }])
    }
    let answer = try said([Array(many[..<2]), Array(many[2...])])
    #expect(answer.remarks?.audits == ["production/p0", "production/p1", "production/p2", "production/p3"])
    #expect(answer.remarks?.areAuditsCut == true && answer.remarks?.areDryRunsCut == false)
    let few = try said([Array(many[..<4])])
    #expect(few.remarks?.audits.count == 4 && few.remarks?.areAuditsCut == false)
  }

  @Test func beforeTheFirstDeliveryNothingIsKnown() throws {
    let policies = ApplicablePolicies([policy("one", .audit, [by("web")])], isDelivered: false)
    let peer = Peer(identity: nil, address: try address("10.0.0.1:1"))
    let workload = Workload(
      uid: "u", name: "payment", namespace: "production", identity: try identity("a", "b"), addresses: [])
    let destination = Destination(workload: workload, address: try address("10.0.0.2:80"))
    let answer = verdict(peer: peer, destination: destination, policies: policies)
    #expect(remarks(peer: peer, destination: destination, policies: policies, verdict: answer) == nil)
  }
}
