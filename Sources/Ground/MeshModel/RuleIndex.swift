/// Finds the rules that may match a connection without looking at those that cannot.
///
/// A rule that can only hold for certain peers, ports or addresses, named whole, is found under each of
/// those; one that names none whole (patterns, ranges, negations) is tried for every connection. So the work
/// of a verdict grows with the rules that name this very peer or port, and with those that name nobody, not
/// with how many others there are.
public struct RuleIndex: Sendable {
  /// A rule by the position of its policy and its own in that; ordered as they are.
  public struct Reference: Hashable, Sendable, Comparable {
    public let policy: Int32
    public let rule: Int32

    public static func < (left: Self, right: Self) -> Bool {
      left.policy == right.policy ? left.rule < right.rule : left.policy < right.policy
    }
  }

  /// What a connection is looked up by.
  public struct Keys: Sendable {
    let peer: Identity?
    let source: IPAddress
    let port: UInt16

    public init(peer: Identity?, source: IPAddress, port: UInt16) {
      self.peer = peer
      self.source = source
      self.port = port
    }
  }

  private typealias Account = Authorization.ServiceAccountMatch

  private var byPeer: [Identity: [Reference]] = [:]
  private var byAccount: [Account: [Reference]] = [:]
  private var byNamespace: [String: [Reference]] = [:]
  private var bySource: [IPAddress: [Reference]] = [:]
  private var byPort: [UInt16: [Reference]] = [:]
  private var anywhere: [Reference] = []

  /// Indexes the rules of those policies.
  init(_ policies: [Authorization], of isIndexed: (Authorization) -> Bool) {
    for (index, policy) in policies.enumerated() where isIndexed(policy) {
      for (number, rule) in policy.rules.enumerated() {
        add(rule, Reference(policy: Int32(index), rule: Int32(number)))
      }
    }
  }

  /// The first rule, in the order of the policies, that may match the connection and does.
  public func first(for keys: Keys, where matches: (Reference) -> Bool) -> Reference? {
    var found = anywhere.first(where: matches)
    func look(_ references: [Reference]?) {
      guard let references else { return }
      for reference in references {
        if let found, found < reference { return }
        if matches(reference) {
          found = reference
          return
        }
      }
    }
    visit(keys, look)
    return found
  }

  /// The first `limit` policies, by position, of which some rule may match the connection and does; and
  /// whether there are more.
  public func policies(
    for keys: Keys, limit: Int, where matches: (Reference) -> Bool
  ) -> (found: [Int32], isCut: Bool) {
    var found: [Int32] = []
    func look(_ references: [Reference]?) {
      for reference in references ?? [] where found.count <= limit {
        if !found.contains(reference.policy), matches(reference) { found.append(reference.policy) }
      }
    }
    look(anywhere)
    visit(keys, look)
    return (found.prefix(limit).sorted(), found.count > limit)
  }

  /// Every list of rules that are filed under something of the connection.
  private func visit(_ keys: Keys, _ look: ([Reference]?) -> Void) {
    if let peer = keys.peer {
      if !byPeer.isEmpty { look(byPeer[peer]) }
      if !byAccount.isEmpty {
        look(byAccount[Account(namespace: peer.namespace, serviceAccount: peer.serviceAccount)])
      }
      if !byNamespace.isEmpty { look(byNamespace[peer.namespace]) }
    }
    if !bySource.isEmpty { look(bySource[keys.source]) }
    if !byPort.isEmpty { look(byPort[keys.port]) }
  }

  // MARK: Building

  /// Files the rule under the narrowest attribute that one of its clauses pins down.
  private mutating func add(_ rule: Authorization.Rule, _ reference: Reference) {
    if let peers = pinned(rule, { $0.principals.map(\.identity) }) {
      for peer in peers { byPeer[peer, default: []].append(reference) }
    } else if let accounts = pinned(rule, { $0.serviceAccounts.map(Optional.some) }) {
      for account in accounts { byAccount[account, default: []].append(reference) }
    } else if let sources = pinned(rule, { $0.sourceIPs.map(\.onlyAddress) }) {
      for source in sources { bySource[source, default: []].append(reference) }
    } else if let namespaces = pinned(rule, { $0.namespaces.map(\.whole) }) {
      for namespace in namespaces { byNamespace[namespace, default: []].append(reference) }
    } else if let ports = pinned(rule, { $0.destinationPorts.map(Optional.some) }) {
      for port in ports { byPort[port, default: []].append(reference) }
    } else {
      anywhere.append(reference)
    }
  }

  /// The only values with which the rule can hold: those of a clause of which every match lists some, all of
  /// them whole. Nil when no clause does.
  private func pinned<Value: Hashable>(
    _ rule: Authorization.Rule, _ values: (Authorization.Match) -> [Value?]
  ) -> Set<Value>? {
    for clause in rule.clauses where !clause.matches.isEmpty {
      var found: Set<Value> = []
      let isPinned = clause.matches.allSatisfy { match in
        let listed = values(match)
        let whole = listed.compactMap(\.self)
        found.formUnion(whole)
        return !listed.isEmpty && whole.count == listed.count
      }
      if isPinned { return found }
    }
    return nil
  }
}

extension Authorization.StringMatch {
  /// The one value that matches; nil for a pattern.
  fileprivate var whole: String? { if case .exact(let text) = self { text } else { nil } }

  /// The one identity whose principal matches; nil for a pattern, and for what is no identity.
  fileprivate var identity: Identity? {
    whole.flatMap { text in
      do throws(IdentityError) { return try Identity(spiffe: "spiffe://" + text) } catch { return nil }
    }
  }
}

extension IPPrefix {
  fileprivate var onlyAddress: IPAddress? {
    length == (address.family == .v4 ? 32 : 128) ? address : nil
  }
}
