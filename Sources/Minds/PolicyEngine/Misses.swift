public import MeshModel

/// How a policy stands to one connection: whether it matches, and if not, what its closest rule asks that the
/// connection is not. For people; verdicts do not come from here.
public struct PolicyOutcome: Sendable {
  public let policy: Authorization
  /// The first rule that matches, by position; nil when none does.
  public let matchingRule: Int?
  /// The rule of which the least is missing, and the attributes that differ; nil when one matches, or there
  /// is none.
  public let nearest: (rule: Int, differing: [String])?
}

/// What each of the policies says of a connection, in their order.
public func outcomes(
  peer: Peer, destination: Destination, policies: ApplicablePolicies
) -> [PolicyOutcome] {
  let connection = ConnectionFacts(peer: peer, destination: destination.address)
  return policies.policies.map { policy in
    if let index = policy.rules.firstIndex(where: { $0.matches(connection) }) {
      return PolicyOutcome(policy: policy, matchingRule: index, nearest: nil)
    }
    let misses = policy.rules.enumerated().map { (rule: $0, differing: $1.differing(connection)) }
    let nearest = misses.min { $0.differing.count < $1.differing.count }
    return PolicyOutcome(policy: policy, matchingRule: nil, nearest: nearest)
  }
}

extension Authorization.Rule {
  /// Of each clause that does not hold, what its closest match asks.
  fileprivate func differing(_ connection: ConnectionFacts) -> [String] {
    clauses.filter { !$0.matches(connection) }.flatMap { clause in
      clause.matches.map { $0.differing(connection) }.min { $0.count < $1.count } ?? []
    }
  }
}

extension Authorization.Match {
  /// The attributes that keep this match from holding, as `attribute is VALUE, and must be ...`.
  fileprivate func differing(_ connection: ConnectionFacts) -> [String] {
    var found: [String] = []
    func ask<Value>(
      _ name: String, _ actual: String, _ wanted: [Value], _ unwanted: [Value], _ text: (Value) -> String,
      _ test: (Value) -> Bool
    ) {
      if !wanted.isEmpty, !wanted.contains(where: test) {
        found.append("\(name) is \(actual), and must be \(wanted.map(text).joined(separator: " or "))")
      }
      if unwanted.contains(where: test) {
        found.append("\(name) is \(actual), and must not be \(unwanted.map(text).joined(separator: " or "))")
      }
    }
    let identity = connection.identity
    ask("principal", connection.principal ?? "none", principals, notPrincipals, \.text) {
      $0.matches(connection.principal)
    }
    ask("namespace", identity?.namespace ?? "none", namespaces, notNamespaces, \.text) {
      $0.matches(identity?.namespace)
    }
    let account = identity.map { "\($0.namespace)/\($0.serviceAccount)" } ?? "none"
    ask(
      "service account", account, serviceAccounts, notServiceAccounts,
      { "\($0.namespace)/\($0.serviceAccount)" },
      { $0.namespace == identity?.namespace && $0.serviceAccount == identity?.serviceAccount })
    ask("source", "\(connection.source)", sourceIPs, notSourceIPs, \.description) {
      $0.contains(connection.source)
    }
    let address = connection.destination
    ask("destination", "\(address.ip)", destinationIPs, notDestinationIPs, \.description) {
      $0.contains(address.ip)
    }
    ask("port", "\(address.port)", destinationPorts, notDestinationPorts, { String($0) }) {
      $0 == address.port
    }
    return found
  }
}

extension Authorization.StringMatch {
  fileprivate var text: String {
    switch self {
    case .exact(let text): text
    case .prefix(let text): "\(text)*"
    case .suffix(let text): "*\(text)"
    case .presence: "anything"
    }
  }
}
