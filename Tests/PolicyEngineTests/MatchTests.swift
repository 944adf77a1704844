import MeshModel
import Testing

@testable import PolicyEngine

/// Each attribute of a match, its negation, and both with an absent identity.
@Suite struct MatchTests {
  typealias StringMatch = Authorization.StringMatch

  private func holds(
    _ identity: Identity?, from: String = "10.244.1.2:40000", to: String = "10.244.2.3:8080",
    _ change: (inout Authorization.Match) -> Void
  ) throws -> Bool {
    try refusal(identity, from: from, to: to, [policy("p", .deny, [rule(change)])]) != nil
  }

  @Test(arguments: [
    (StringMatch.exact("cluster.local/ns/production/sa/web"), true),
    (.exact("spiffe://cluster.local/ns/production/sa/web"), false),
    (.exact("cluster.local/ns/production/sa/we"), false),
    (.exact("cluster.local/ns/production/sa/WEB"), false),
    (.exact("other.domain/ns/production/sa/web"), false),
    (.exact(""), false),
    (.prefix("cluster.local/ns/production/"), true),
    (.prefix("spiffe://"), false),
    (.prefix(""), true),
    (.suffix("/sa/web"), true),
    (.suffix("cluster.local/ns/production/sa/web"), true),
    (.suffix("x/cluster.local/ns/production/sa/web"), false),
    (.suffix("/sa/we"), false),
    (.presence, true),
  ])
  func principals(match: StringMatch, expected: Bool) throws {
    let web = try identity("production", "web")
    #expect(try holds(web) { $0.principals = [match] } == expected)
    #expect(try holds(web) { $0.notPrincipals = [match] } == !expected)
    #expect(try holds(nil) { $0.principals = [match] } == false)
    #expect(try holds(nil) { $0.notPrincipals = [match] } == true)
  }

  @Test func namespaces() throws {
    let web = try identity("production", "web")
    #expect(try holds(web) { $0.namespaces = [.exact("production")] })
    #expect(try holds(web) { $0.namespaces = [.exact("staging"), .prefix("prod")] })
    #expect(try !holds(web) { $0.notNamespaces = [.exact("staging"), .suffix("tion")] })
    #expect(try !holds(nil) { $0.namespaces = [.presence] })
    #expect(try holds(nil) { $0.notNamespaces = [.presence] })
  }

  @Test func serviceAccountsIgnoreTheTrustDomain() throws {
    let web = try identity("production", "web", domain: TrustDomain("elsewhere.example"))
    let account = Authorization.ServiceAccountMatch(namespace: "production", serviceAccount: "web")
    let wrong = Authorization.ServiceAccountMatch(namespace: "staging", serviceAccount: "web")
    #expect(try holds(web) { $0.serviceAccounts = [wrong, account] })
    #expect(try !holds(web) { $0.serviceAccounts = [wrong] })
    #expect(try !holds(web) { $0.notServiceAccounts = [account] })
    #expect(try !holds(nil) { $0.serviceAccounts = [account] })
    #expect(try holds(nil) { $0.notServiceAccounts = [account] })
  }

  @Test func addresses() throws {
    let near = try #require(IPPrefix("10.244.1.0/24"))
    let far = try #require(IPPrefix("fd00::/8"))
    #expect(try holds(nil) { $0.sourceIPs = [far, near] })
    #expect(try !holds(nil, from: "10.244.3.2:1") { $0.sourceIPs = [far, near] })
    #expect(try holds(nil, from: "[fd00::1]:1") { $0.sourceIPs = [far, near] })
    #expect(try !holds(nil) { $0.notSourceIPs = [near] })
    #expect(try holds(nil, from: "10.244.3.2:1") { $0.notSourceIPs = [near] })
    #expect(try !holds(nil) { $0.destinationIPs = [near] })
    #expect(try holds(nil, to: "10.244.1.9:1") { $0.destinationIPs = [near] })
    #expect(try holds(nil) { $0.notDestinationIPs = [near] })
  }

  @Test func ports() throws {
    #expect(try holds(nil) { $0.destinationPorts = [80, 8080] })
    #expect(try !holds(nil, to: "10.244.2.3:81") { $0.destinationPorts = [80, 8080] })
    #expect(try !holds(nil) { $0.notDestinationPorts = [80, 8080] })
    #expect(try holds(nil, to: "10.244.2.3:81") { $0.notDestinationPorts = [80, 8080] })
  }

  @Test func allAttributesNamedMustHold() throws {
    let web = try identity("production", "web")
    #expect(
      try holds(web) {
        $0.principals = [.presence]
        $0.destinationPorts = [8080]
        $0.notNamespaces = [.exact("staging")]
      })
    #expect(
      try !holds(web) {
        $0.principals = [.presence]
        $0.destinationPorts = [8081]
      })
    #expect(
      try !holds(web) {
        $0.destinationPorts = [8080]
        $0.notDestinationPorts = [8080]
      })
  }

  /// For any match, one more attribute never lets a connection in that was out: attributes only narrow.
  @Test func attributesOnlyNarrow() throws {
    var random = SeededGenerator(seed: 7)
    let web = try identity("production", "web")
    for _ in 0..<2000 {
      var match = Authorization.Match()
      for _ in 0..<Int.random(in: 1...3, using: &random) { add(to: &match, &random) }
      let before = try holds(web) { $0 = match }
      add(to: &match, &random)
      let after = try holds(web) { $0 = match }
      #expect(before || !after)
    }
  }

  private func add(to match: inout Authorization.Match, _ random: inout SeededGenerator) {
    let word = ["production", "staging", "prod"].randomElement(using: &random) ?? ""
    switch Int.random(in: 0..<6, using: &random) {
    case 0 where match.namespaces.isEmpty: match.namespaces = [.exact(word)]
    case 1: match.notNamespaces.append(.prefix(word))
    case 2 where match.principals.isEmpty: match.principals = [.suffix("/sa/web")]
    case 3: match.notPrincipals.append(.suffix(word))
    case 4 where match.destinationPorts.isEmpty: match.destinationPorts = [8080, 9090]
    default: match.notDestinationPorts.append(UInt16.random(in: 8079...8082, using: &random))
    }
  }
}

/// SplitMix64: the same numbers on every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
