import MeshModel

/// The policy as waypoints get it, who see requests.
extension PolicyCompilation {
  /// True for what only the whole form says, or says better: trust domains have a place of their own there.
  static func needsWaypoint(_ term: Term) -> Bool {
    term.attribute.isOfRequests || term.attribute == .trustDomain
  }

  /// Nil for a rule of an ALLOW or AUDIT that asks for what not even waypoints know; a DENY loses that term,
  /// so that it denies more.
  func wholeRule(_ rule: AuthorizationPolicyObject.Rule) -> Authorization.Rule? {
    let isForeign = { (term: Term) in term.attribute == .foreign }
    let neverWidens = policy.action == .allow || policy.action == .audit
    if neverWidens, rule.terms.contains(where: isForeign) { return nil }
    var clauses: [Authorization.Clause] = []
    for alternatives in [rule.sources, rule.operations] + rule.conditions.map({ [[$0]] }) {
      let known = alternatives.map { $0.filter { !isForeign($0) } }
      // An alternative that lost all its terms asks for nothing, and so do those beside it.
      guard !known.isEmpty, known.allSatisfy({ !$0.isEmpty }) else { continue }
      clauses.append(Authorization.Clause(matches: known.map(wholeMatch)))
    }
    return Authorization.Rule(clauses: clauses)
  }

  private func wholeMatch(_ terms: [Term]) -> Authorization.Match {
    var match = Authorization.Match()
    for term in terms {
      guard Self.needsWaypoint(term) else {
        add(term, to: &match)
        continue
      }
      guard let attribute = Self.attribute(term.attribute) else { continue }
      match.terms.append(
        Authorization.Term(attribute, values(term.values, term), unwanted: values(term.unwanted, term)))
    }
    return match
  }

  private func values(_ texts: [String], _ term: Term) -> [Authorization.Term.Value] {
    let texts = term.attribute == .trustDomain ? texts.flatMap(domains.names) : texts
    return texts.compactMap { AttributeValue.value($0, term.attribute) }
  }

  private static func attribute(
    _ attribute: AuthorizationPolicyObject.Attribute
  ) -> Authorization.Term.Attribute? {
    switch attribute {
    case .method: .method
    case .path: .path
    case .host: .host
    case .header(let name): .header(name)
    case .remoteIP: .remoteIP
    case .serverName: .serverName
    case .tokenPrincipal: .tokenPrincipal
    case .tokenAudience: .tokenAudience
    case .tokenPresenter: .tokenPresenter
    case .tokenClaim(let path): .tokenClaim(path)
    case .trustDomain: .trustDomain
    case .principal, .namespace, .serviceAccount, .sourceIP, .destinationIP, .destinationPort, .foreign: nil
    }
  }
}
