import HTTPModel
import MeshModel
import PolicyEngine
import Testing

/// The verdict beside a matcher that was written for its plainness: no index, no early end, texts as arrays.
@Suite struct DifferentialTests {
  private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ (state >> 29)
    }
  }

  private static let texts = ["", "a", "b", "ab", "ba", "/a", "/a/b"]
  private static let attributes: [Authorization.Term.Attribute] = [
    .method, .path, .header("x"), .tokenPrincipal, .tokenAudience, .tokenClaim(["c"]),
    .tokenClaim(["o", "c"]),
  ]

  private static func match(_ dice: inout Dice) -> Authorization.StringMatch {
    let text = texts.randomElement(using: &dice) ?? ""
    return switch Int.random(in: 0..<4, using: &dice) {
    case 0: .exact(text)
    case 1: .prefix(text)
    case 2: .suffix(text)
    default: .presence
    }
  }

  private static func policy(_ index: Int, _ dice: inout Dice) -> Authorization {
    let rules = (0..<Int.random(in: 0...2, using: &dice)).map { _ in
      Authorization.Rule(
        clauses: (0..<Int.random(in: 0...2, using: &dice)).map { _ in
          Authorization.Clause(
            matches: (0..<Int.random(in: 0...2, using: &dice)).map { _ in
              var match = Authorization.Match()
              if Bool.random(using: &dice) {
                match.destinationPorts = [Bool.random(using: &dice) ? 8080 : 9090]
              }
              if Bool.random(using: &dice) {
                match.principals = [.exact("cluster.local/ns/n/sa/\(Bool.random(using: &dice) ? "a" : "b")")]
              }
              for _ in 0..<Int.random(in: 0...2, using: &dice) {
                let values = (0..<Int.random(in: 0...2, using: &dice)).map { _ in Self.match(&dice) }
                match.terms.append(
                  .init(
                    attributes.randomElement(using: &dice) ?? .method, values.map { .text($0) },
                    unwanted: Bool.random(using: &dice) ? [.text(Self.match(&dice))] : []))
              }
              return match
            })
        })
    }
    return Authorization(
      name: "p\(index)", namespace: "n", scope: .namespace,
      action: Bool.random(using: &dice) ? .deny : .allow, rules: rules)
  }

  // MARK: The plain matcher

  private static func holds(_ match: Authorization.StringMatch, _ text: String) -> Bool {
    let bytes = Array(text.utf8)
    switch match {
    case .exact(let other): return bytes == Array(other.utf8)
    case .prefix(let head):
      return bytes.count >= head.utf8.count && Array(bytes[..<head.utf8.count]) == Array(head.utf8)
    case .suffix(let tail):
      return bytes.count >= tail.utf8.count
        && Array(bytes[(bytes.count - tail.utf8.count)...]) == Array(tail.utf8)
    case .presence: return bytes != []
    }
  }

  /// The texts of which one must match.
  private static func actual(
    _ attribute: Authorization.Term.Attribute, _ request: RequestFacts
  ) -> [String] {
    switch attribute {
    case .method: return [request.method]
    case .path: return [request.path]
    case .header: return request.fields.map(\.value)
    case .tokenPrincipal: return request.token?.principal.map { [$0] } ?? []
    case .tokenAudience: return request.token?.audiences ?? []
    default:
      let claims = request.token?.claims ?? [:]
      var claim = claims["c"]
      if attribute == .tokenClaim(["o", "c"]) {
        if case .object(let inner) = claims["o"] { claim = inner["c"] } else { claim = nil }
      }
      switch claim {
      case .text(let text): return [text]
      case .list(let list): return list
      default: return []
      }
    }
  }

  private static func holds(
    _ match: Authorization.Match, _ account: String, _ request: RequestFacts
  ) -> Bool {
    if match == Authorization.Match() { return false }
    if !match.destinationPorts.isEmpty, match.destinationPorts != [8080] { return false }
    if !match.principals.isEmpty, match.principals != [.exact("cluster.local/ns/n/sa/\(account)")] {
      return false
    }
    for term in match.terms {
      let texts = actual(term.attribute, request)
      let any = { (values: [Authorization.Term.Value]) in
        texts.contains { text in
          values.contains { if case .text(let match) = $0 { holds(match, text) } else { false } }
        }
      }
      if !term.values.isEmpty, !any(term.values) { return false }
      if any(term.unwanted) { return false }
    }
    return true
  }

  private static func plainRefusal(
    _ policies: [Authorization], _ account: String, _ request: RequestFacts
  ) -> RefusalReason? {
    func matches(_ policy: Authorization) -> Bool {
      policy.rules.contains { rule in
        rule.clauses.allSatisfy { clause in
          clause.matches.isEmpty || clause.matches.contains { holds($0, account, request) }
        }
      }
    }
    if let denying = policies.first(where: { $0.action == .deny && matches($0) }) {
      return .policy(denying.key)
    }
    let allowing = policies.filter { $0.action == .allow }
    return allowing.isEmpty || allowing.contains(where: matches) ? nil : .noPolicyAllows
  }

  @Test(arguments: 0..<8)
  func verdictsAreThoseOfThePlainMatcher(seed: UInt64) throws {
    var dice = Dice(state: seed)
    var denials = 0
    for _ in 0..<400 {
      let policies = (0..<Int.random(in: 0...3, using: &dice)).map { Self.policy($0, &dice) }
      let text = { (dice: inout Dice) in Self.texts.randomElement(using: &dice) ?? "" }
      var request = RequestFacts(method: text(&dice), path: text(&dice), host: nil)
      if Bool.random(using: &dice) { request.fields = [Field("x", text(&dice))] }
      if Bool.random(using: &dice) {
        let inner = ClaimValue.list([text(&dice), text(&dice)])
        request.token = TokenIdentity(
          principal: text(&dice), audiences: [text(&dice)],
          claims: ["c": .text(text(&dice)), "o": .object(["c": inner])])
      }
      let account = Bool.random(using: &dice) ? "a" : "b"
      let expected = Self.plainRefusal(policies, account, request)
      denials += expected == nil ? 0 : 1
      let found = try refusal(of: request, from: try identity("n", account), policies)
      #expect(found == expected, "\(policies) \(request)")
    }
    #expect((40...360).contains(denials), "the policies decide nothing")
  }
}
