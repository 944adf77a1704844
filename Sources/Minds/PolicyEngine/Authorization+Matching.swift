import MeshModel

extension Authorization {
  /// Rules are alternatives; a policy without rules never matches.
  func matches(_ connection: ConnectionFacts) -> Bool { rules.contains { $0.matches(connection) } }
}

extension Authorization.Rule {
  /// All clauses must hold; a rule without clauses matches everything.
  func matches(_ connection: ConnectionFacts) -> Bool { clauses.allSatisfy { $0.matches(connection) } }
}

extension Authorization.Clause {
  /// Matches are alternatives; a clause without matches holds.
  func matches(_ connection: ConnectionFacts) -> Bool {
    matches.isEmpty || matches.contains { $0.holds(for: connection) }
  }
}

extension Authorization.Match {
  /// Every attribute named must hold; a match that names none never holds, so that a policy whose terms were
  /// all removed on the way cannot match by accident.
  func holds(for connection: ConnectionFacts) -> Bool {
    guard !saysNothing else { return false }
    return holdsForPeer(connection) && holdsForAddresses(connection)
      && terms.allSatisfy { $0.holds(for: connection) }
  }

  private var saysNothing: Bool {
    namespaces.isEmpty && notNamespaces.isEmpty && principals.isEmpty && notPrincipals.isEmpty
      && serviceAccounts.isEmpty && notServiceAccounts.isEmpty && sourceIPs.isEmpty && notSourceIPs.isEmpty
      && destinationIPs.isEmpty && notDestinationIPs.isEmpty && destinationPorts.isEmpty
      && notDestinationPorts.isEmpty && terms.isEmpty
  }

  private func holdsForPeer(_ connection: ConnectionFacts) -> Bool {
    let identity = connection.identity
    return agrees(principals, notPrincipals) { $0.matches(connection.principal) }
      && agrees(namespaces, notNamespaces) { $0.matches(identity?.namespace) }
      && agrees(serviceAccounts, notServiceAccounts) { account in
        identity.map { $0.serviceAccount == account.serviceAccount && $0.namespace == account.namespace }
          ?? false
      }
  }

  private func holdsForAddresses(_ connection: ConnectionFacts) -> Bool {
    agrees(sourceIPs, notSourceIPs) { $0.contains(connection.source) }
      && agrees(destinationIPs, notDestinationIPs) { $0.contains(connection.destination.ip) }
      && agrees(destinationPorts, notDestinationPorts) { $0 == connection.destination.port }
  }

  /// One of `wanted` (when there are any) and none of `unwanted`.
  private func agrees<Value>(_ wanted: [Value], _ unwanted: [Value], _ test: (Value) -> Bool) -> Bool {
    (wanted.isEmpty || wanted.contains(where: test)) && !unwanted.contains(where: test)
  }
}

extension Authorization.StringMatch {
  /// Compares bytes, not characters: identities are ASCII, and two spellings are two values. Nothing matches
  /// an absent value.
  func matches(_ value: String?) -> Bool {
    guard let bytes = value?.utf8 else { return false }
    return matches(bytes)
  }

  func matches(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
    switch self {
    case .exact(let text): bytes.elementsEqual(text.utf8)
    case .prefix(let text): bytes.starts(with: text.utf8)
    case .suffix(let text): bytes.reversed().starts(with: text.utf8.reversed())
    case .presence: !bytes.isEmpty
    }
  }
}
