import HTTPModel
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

/// What each of the policies says of a connection or of a request on it, in their order.
public func outcomes(
  peer: Peer, destination: Destination, request: RequestFacts? = nil, policies: ApplicablePolicies
) -> [PolicyOutcome] {
  let facts = ConnectionFacts(peer: peer, destination: destination.address, request: request)
  return policies.policies.map { policy in
    let connection = policy.action == .deny ? facts.denying : facts
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
    for term in terms where !term.holds(for: connection) {
      let actual = term.attribute.text(of: connection)
      // Each half alone tells which of the two it was.
      for (values, verb) in [(term.values, "must"), (term.unwanted, "must not")] where !values.isEmpty {
        let half = verb == "must" ? Authorization.Term(term.attribute, values) : nil
        let other = Authorization.Term(term.attribute, [], unwanted: values)
        guard !(half ?? other).holds(for: connection) else { continue }
        let wanted = values.map(\.text).joined(separator: " or ")
        found.append("\(term.attribute.title) is \(actual), and \(verb) be \(wanted)")
      }
    }
    return found
  }
}

extension Authorization.Term.Attribute {
  fileprivate var title: String {
    switch self {
    case .method: "method"
    case .path: "path"
    case .host: "host"
    case .header(let name): "header \(name)"
    case .remoteIP: "remote address"
    case .serverName: "server name"
    case .tokenPrincipal: "request principal"
    case .tokenAudience: "audience"
    case .tokenPresenter: "presenter"
    case .tokenClaim(let path): "claim \(path.joined(separator: "."))"
    case .trustDomain: "trust domain"
    }
  }

  /// What the request has; values of headers and tokens may be secrets, and are not told.
  fileprivate func text(of connection: ConnectionFacts) -> String {
    switch self {
    case .trustDomain: return connection.identity?.trustDomain.name ?? "none"
    case .remoteIP: return "\(connection.request?.remote ?? connection.source)"
    default: break
    }
    guard let request = connection.request else { return "not known without a request" }
    switch self {
    case .method: return request.method
    case .path: return request.path
    case .host: return request.host ?? "none"
    case .header(let name): return request.fields.contains { $0.name == name } ? "another" : "none"
    case .serverName: return request.serverName ?? "none"
    case .tokenPrincipal: return request.token?.principal ?? "none"
    case .tokenAudience, .tokenPresenter, .tokenClaim: return request.token == nil ? "none" : "another"
    case .trustDomain, .remoteIP: return ""
    }
  }
}

extension Authorization.Term.Value {
  fileprivate var text: String {
    switch self {
    case .text(let match): match.text
    case .template(let template): template
    case .range(let range): range.description
    }
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
