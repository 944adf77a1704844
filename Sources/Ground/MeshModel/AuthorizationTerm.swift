extension Authorization {
  /// What a match asks that agents are never asked: of the request, of its token, and trust domains by
  /// patterns. It travels to waypoints (`WaypointConfiguration`) and never to agents; see `forConnections`.
  public struct Term: Hashable, Sendable, Codable {
    /// What is asked about.
    public enum Attribute: Hashable, Sendable, Codable {
      /// Compared as sent: methods have a case.
      case method
      /// In its normal form, without the query.
      case path
      /// Of the authority, in lower case; a value holds with and without the port.
      case host
      /// By its name in lower case.
      case header(String)
      /// The client's address as proxies before it tell; that of the connection when none does.
      case remoteIP
      /// What the client's own TLS asked for, in lower case.
      case serverName
      /// `iss/sub` of the token.
      case tokenPrincipal
      case tokenAudience
      /// `azp` of the token.
      case tokenPresenter
      /// A claim of the token by its path, from the outermost.
      case tokenClaim([String])
      /// Of the peer.
      case trustDomain
    }

    /// How an attribute is compared.
    public enum Value: Hashable, Sendable, Codable {
      case text(StringMatch)
      /// A path with `{*}` and `{**}`, as `PathTemplate` accepts it.
      case template(String)
      case range(IPPrefix)
    }

    public var attribute: Attribute
    /// One of these, unless there are none.
    public var values: [Value]
    /// None of these.
    public var unwanted: [Value]

    public init(_ attribute: Attribute, _ values: [Value], unwanted: [Value] = []) {
      self.attribute = attribute
      self.values = values
      self.unwanted = unwanted
    }
  }

  /// True when it asks something that agents are never asked.
  public var hasTerms: Bool { rules.contains(where: \.hasTerms) }

  /// The policy for who sees connections and no requests: it never allows more than the whole one. An ALLOW
  /// or AUDIT loses the rules that have terms, and a DENY the terms, so that it denies more.
  public var forConnections: Authorization {
    guard hasTerms else { return self }
    var policy = self
    policy.rules = action == .deny ? rules.map(\.withoutTerms) : rules.filter { !$0.hasTerms }
    return policy
  }
}

extension Authorization.Rule {
  fileprivate var hasTerms: Bool { clauses.contains { $0.matches.contains { !$0.terms.isEmpty } } }

  /// A match that lost all that it asked holds, and so does its clause.
  fileprivate var withoutTerms: Authorization.Rule {
    Authorization.Rule(
      clauses: clauses.compactMap { clause in
        var matches = clause.matches
        for index in matches.indices where !matches[index].terms.isEmpty {
          matches[index].terms = []
          if matches[index] == Authorization.Match() { return nil }
        }
        return Authorization.Clause(matches: matches)
      })
  }
}
