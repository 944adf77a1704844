import MeshModel
import Testing

@testable import PolicyEngine

/// The index answers what a look at every rule would, and looks at few.
@Suite struct IndexTests {
  @Test func theIndexAnswersWhatTheRulesSay() throws {
    var random = SeededGenerator(seed: 11)
    let peers = try [nil, identity("a", "x"), identity("a", "y"), identity("b", "x"), identity("c", "z")]
    for _ in 0..<600 {
      let policies = (0..<Int.random(in: 1...6, using: &random)).map { index in
        policy(
          "p\(index)", Bool.random(using: &random) ? .deny : .allow,
          (0..<Int.random(in: 0...3, using: &random)).map { _ in anyRule(&random) },
          isDryRun: Int.random(in: 0..<8, using: &random) == 0)
      }
      let cut = Int.random(in: 0...policies.count, using: &random)
      let groups = ApplicablePolicies(groups: [
        PolicyGroup(Array(policies[..<cut])), PolicyGroup(Array(policies[cut...])),
      ])
      for peer in peers {
        let (from, to) = (
          "10.0.0.\(Int.random(in: 1...3, using: &random)):1",
          "10.1.0.1:\(Int.random(in: 80...82, using: &random))"
        )
        let expected = try plainly(policies, peer, from, to)
        #expect(try refusal(peer, from: from, to: to, groups) == expected, "\(policies)")
      }
    }
  }

  /// The definition, without an index.
  private func plainly(
    _ policies: [Authorization], _ peer: Identity?, _ from: String, _ to: String
  ) throws -> RefusalReason? {
    let facts = ConnectionFacts(
      peer: Peer(identity: peer, address: try address(from)), destination: try address(to))
    let enforced = policies.filter { !$0.isDryRun }
    if let denial = enforced.first(where: { $0.action == .deny && $0.matches(facts) }) {
      return .policy(denial.key)
    }
    let allows = enforced.filter { $0.action == .allow }
    return allows.isEmpty || allows.contains { $0.matches(facts) } ? nil : .noPolicyAllows
  }

  private func anyRule(_ random: inout SeededGenerator) -> Authorization.Rule {
    Authorization.Rule(
      clauses: (0..<Int.random(in: 0...2, using: &random)).map { _ in
        Authorization.Clause(
          matches: (0..<Int.random(in: 0...2, using: &random)).map { _ in anyMatch(&random) })
      })
  }

  private func anyMatch(_ random: inout SeededGenerator) -> Authorization.Match {
    var match = Authorization.Match()
    let namespace = ["a", "b", "c"].randomElement(using: &random) ?? "a"
    let account = ["x", "y"].randomElement(using: &random) ?? "x"
    for _ in 0..<Int.random(in: 0...2, using: &random) {
      switch Int.random(in: 0..<9, using: &random) {
      case 0: match.principals.append(.exact("cluster.local/ns/\(namespace)/sa/\(account)"))
      case 1: match.principals.append(.suffix("/sa/\(account)"))
      case 2: match.namespaces.append(.exact(namespace))
      case 3: match.notNamespaces.append(.exact(namespace))
      case 4: match.serviceAccounts.append(.init(namespace: namespace, serviceAccount: account))
      case 5: match.destinationPorts.append(UInt16.random(in: 80...82, using: &random))
      case 6: match.notDestinationPorts.append(UInt16.random(in: 80...82, using: &random))
      case 7:
        match.sourceIPs += [IPPrefix("10.0.0.\(Int.random(in: 1...3, using: &random))")].compactMap(\.self)
      default: match.principals.append(.exact("not a principal"))
      }
    }
    return match
  }

  /// Counts the rules looked at: of 50,000 policies, only those that name this peer or nobody.
  @Test func onlyRulesThatMayMatchAreLookedAt() throws {
    let many = (0..<50_000).map { index in
      policy(
        "p\(index)", index.isMultiple(of: 2) ? .deny : .allow,
        [rule { $0.principals = [.exact("cluster.local/ns/a/sa/s\(index)")] }])
    }
    let open = policy("open", .deny, [rule { $0.notNamespaces = [.presence] }])
    let group = PolicyGroup(many + [open])
    for (account, mine) in [("s7", 1), ("nobody", 0)] {
      let keys = RuleIndex.Keys(
        peer: try identity("a", account), source: try address("10.0.0.1:1").ip, port: 80)
      var looked = 0
      _ = group.allowing.first(for: keys) { _ in
        looked += 1
        return false
      }
      #expect(looked == mine)
      looked = 0
      _ = group.denying.first(for: keys) { _ in
        looked += 1
        return false
      }
      #expect(looked == 1)
    }
  }

  @Test func theFirstOfSeveralDenialsIsNamed() throws {
    let web = try identity("a", "x")
    let wide = policy("wide", .deny, [rule { $0.notPrincipals = [.exact("nobody")] }])
    let port = policy("port", .deny, [rule { $0.destinationPorts = [8080] }])
    let peer = policy("peer", .deny, [rule { $0.principals = [.exact(web.principal)] }])
    #expect(try refusal(web, [wide, port, peer]) == .policy("production/wide"))
    #expect(try refusal(web, [port, wide, peer]) == .policy("production/port"))
    #expect(try refusal(web, [peer, port, wide]) == .policy("production/peer"))
  }
}
