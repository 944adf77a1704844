import MeshModel

/// What a rule of an AuthorizationPolicy can match, told from its text, the peers that are known, and the
/// ports of the workloads that it binds. What takes a waypoint to ask may always match.
struct RuleReach {
  typealias Rule = AuthorizationPolicyObject.Rule
  typealias Term = AuthorizationPolicyObject.Term
  typealias Doubt = KnownPeers.Doubt

  /// Something to say about a part of the rule.
  struct Remark: Hashable {
    var doubt: Doubt
    var term: Term
    var value: String

    var text: String { "\(term.path) \(value.debugDescription) \(doubt.why)" }
  }

  /// Values compared with others of one list, at most: lists longer than any that a person writes are not
  /// examined for contradictions.
  private static let maximumComparisons = 100_000

  let rule: Rule
  let setting: Setting

  /// What the rules of one policy have in common.
  struct Setting {
    let namespace: String
    let domains: TrustDomainAliases
    let peers: KnownPeers
    /// Of the workloads that the policy binds; nil when some of them do not say.
    var ports: Set<UInt16>?
    /// The ports to which services lead from others, by the service's port.
    var targets: [UInt16: UInt16] = [:]
  }

  // MARK: Never

  /// Why the rule matches no connection; nil when it may match one.
  var dead: Remark? {
    firstDead(rule.sources, source) ?? firstDead(rule.operations, operation)
  }

  /// Why alternatives of the rule match nothing.
  var deadParts: [Remark] { rule.sources.compactMap(source) + rule.operations.compactMap(operation) }

  /// Values that match nothing, in alternatives that otherwise may.
  var deadValues: [Remark] {
    (rule.sources.filter { source($0) == nil } + rule.operations.filter { operation($0) == nil }
      + [rule.conditions]).flatMap(remarks)
  }

  /// When all alternatives are dead: why the least surely dead of them is.
  private func firstDead(_ alternatives: [[Term]], _ cause: ([Term]) -> Remark?) -> Remark? {
    let all = alternatives.isEmpty ? [[]] : alternatives
    let causes = all.compactMap(cause)
    guard causes.count == all.count else { return nil }
    return causes.min { $0.doubt.severity < $1.doubt.severity }
  }

  private func source(_ alternative: [Term]) -> Remark? {
    let terms = alternative + rule.conditions
    return cause(terms.filter(\.isOfPeer), peer, setting.peers.doubt)
      ?? cause(terms.filter { $0.attribute == .sourceIP }, range) { _ in nil }
  }

  private func operation(_ alternative: [Term]) -> Remark? {
    let terms = alternative + rule.conditions
    return cause(terms.filter { $0.attribute == .destinationPort }, port, portDoubt)
      ?? cause(terms.filter { $0.attribute == .destinationIP }, range) { _ in nil }
  }

  /// Why some term, which must hold, cannot: each of its values is out of the question.
  private func cause<Range: ValueRange>(
    _ terms: [Term], _ read: (String, Term) -> Range?, _ doubt: (Range) -> Doubt?
  ) -> Remark? {
    for term in terms where !term.values.isEmpty {
      let remarks = term.values.compactMap { remark($0, term, terms, read, doubt) }
      guard remarks.count == term.values.count else { continue }
      return remarks.min { $0.doubt.severity < $1.doubt.severity }
    }
    return nil
  }

  private func remarks(_ terms: [Term]) -> [Remark] {
    func all<Range: ValueRange>(
      _ terms: [Term], _ read: (String, Term) -> Range?, _ doubt: (Range) -> Doubt?
    ) -> [Remark] {
      terms.flatMap { term in term.values.compactMap { remark($0, term, terms, read, doubt) } }
    }
    return all(terms.filter(\.isOfPeer), peer, setting.peers.doubt)
      + all(terms.filter { $0.attribute == .destinationPort }, port, portDoubt)
  }

  /// Why the value of the term matches nothing, alone or beside the others that must hold too.
  private func remark<Range: ValueRange>(
    _ text: String, _ term: Term, _ terms: [Term], _ read: (String, Term) -> Range?,
    _ doubt: (Range) -> Doubt?
  ) -> Remark? {
    func contradiction(_ why: String) -> Remark {
      Remark(
        doubt: Doubt(
          code: .ruleNeverMatches, severity: .warning, why: why, remedy: "Remove what contradicts it."),
        term: term, value: text)
    }
    guard let value = read(text, term) else {
      return Remark(
        doubt: Doubt(
          code: .ruleNeverMatches, severity: .warning, why: "is no principal that anybody has",
          remedy: "Write TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT."), term: term, value: text)
    }
    let work = terms.reduce(0) { $0 + $1.values.count + $1.unwanted.count } * term.values.count
    if work <= Self.maximumComparisons {
      for other in terms {
        let excluding = other.unwanted.first { read($0, other)?.covers(value) ?? false }
        if let excluding { return contradiction("is excluded by \(excluding.debugDescription) beside it") }
        guard !other.values.isEmpty, other != term else { continue }
        if !other.values.contains(where: { read($0, other)?.meets(value) ?? false }) {
          return contradiction("agrees with nothing of \(other.path), which must hold too")
        }
      }
    }
    return doubt(value).map { Remark(doubt: $0, term: term, value: text) }
  }

  private func portDoubt(_ port: UInt16) -> Doubt? {
    guard let ports = setting.ports, !ports.isEmpty, !ports.contains(port) else { return nil }
    let declared = ports.sorted().map(String.init).joined(separator: ", ")
    let remedy =
      setting.targets[port].map { "Name the container's port, not the service's: \($0)." }
      ?? "Name one of \(declared), or declare it."
    return Doubt(
      code: .unservedPort, severity: .warning, why: "is a port that no container it binds declares",
      remedy: remedy)
  }

  // MARK: Values

  func peer(_ text: String, _ term: Term) -> PeerRange? {
    PeerRange(text, term.attribute, in: setting.namespace, setting.domains)
  }

  private func range(_ text: String, _: Term) -> IPPrefix? { AttributeValue.range(text) }

  func port(_ text: String, _: Term) -> UInt16? { AttributeValue.port(text) }
}

extension AuthorizationPolicyObject.Term {
  /// It asks for the identity of a peer, or a part of it.
  var isOfPeer: Bool {
    switch attribute {
    case .principal, .namespace, .serviceAccount, .trustDomain: true
    default: false
    }
  }
}
