import FoundationEssentials
import MeshAPI
import MeshModel
import SwiftProtobuf

extension Istio_Security_Authorization {
  init(_ policy: Authorization) {
    self.init()
    name = policy.name
    namespace = policy.namespace
    scope =
      switch policy.scope {
      case .global: .global
      case .namespace: .namespace
      case .workloadSelector: .workloadSelector
      }
    dryRun = policy.isDryRun
    // Whole policies are for waypoints; what reaches an agent never allows more.
    let rules = policy.forConnections.rules.map(Istio_Security_Rule.init)
    switch policy.action {
    case .allow, .deny:
      action = policy.action == .allow ? .allow : .deny
      self.rules = rules
    case .audit:
      // A DENY without rules denies nobody, which is what an agent that knows no AUDIT makes of it.
      action = .deny
      auditRules = rules
    }
  }

  /// The model value. Anything not understood refuses the whole policy: half a policy is another policy.
  func model() throws -> Authorization {
    guard !name.isEmpty else { throw Unreadable("a policy without name") }
    let action = try modelAction()
    guard auditRules.isEmpty || (action == .deny && rules.isEmpty) else {
      throw Unreadable("a policy that decides and has rules to audit by")
    }
    return Authorization(
      name: name, namespace: namespace, scope: try modelScope(), action: auditRules.isEmpty ? action : .audit,
      rules: try (auditRules.isEmpty ? rules : auditRules).map { try $0.model() }, isDryRun: dryRun)
  }

  private func modelScope() throws(Unreadable) -> Authorization.Scope {
    switch scope {
    case .global: .global
    case .namespace: .namespace
    case .workloadSelector: .workloadSelector
    case .UNRECOGNIZED(let value): throw Unreadable("unknown scope \(value)")
    }
  }

  private func modelAction() throws(Unreadable) -> Authorization.Action {
    switch action {
    case .allow: .allow
    case .deny: .deny
    case .UNRECOGNIZED(let value): throw Unreadable("unknown action \(value)")
    }
  }
}

extension Istio_Security_Rule {
  fileprivate init(_ rule: Authorization.Rule) {
    self.init()
    clauses = rule.clauses.map { clause in
      Istio_Security_Clause.with { $0.matches = clause.matches.map(Istio_Security_Match.init) }
    }
  }

  fileprivate func model() throws -> Authorization.Rule {
    try Self.expectKnown(unknownFields)
    return Authorization.Rule(
      clauses: try clauses.map { clause in
        try Self.expectKnown(clause.unknownFields)
        return Authorization.Clause(matches: try clause.matches.map { try $0.model() })
      })
  }

  private static func expectKnown(_ fields: UnknownStorage) throws(Unreadable) {
    guard fields.data.isEmpty else { throw Unreadable("a rule asks for something that is not understood") }
  }
}

extension Istio_Security_Match {
  init(_ match: Authorization.Match) {
    self.init()
    namespaces = match.namespaces.map(Istio_Security_StringMatch.init)
    notNamespaces = match.notNamespaces.map(Istio_Security_StringMatch.init)
    principals = match.principals.map(Istio_Security_StringMatch.init)
    notPrincipals = match.notPrincipals.map(Istio_Security_StringMatch.init)
    sourceIps = match.sourceIPs.map(Istio_Security_Address.init)
    notSourceIps = match.notSourceIPs.map(Istio_Security_Address.init)
    destinationIps = match.destinationIPs.map(Istio_Security_Address.init)
    notDestinationIps = match.notDestinationIPs.map(Istio_Security_Address.init)
    destinationPorts = match.destinationPorts.map(UInt32.init)
    notDestinationPorts = match.notDestinationPorts.map(UInt32.init)
    serviceAccounts = match.serviceAccounts.map(Istio_Security_ServiceAccountMatch.init)
    notServiceAccounts = match.notServiceAccounts.map(Istio_Security_ServiceAccountMatch.init)
  }

  func model() throws(Unreadable) -> Authorization.Match {
    guard unknownFields.data.isEmpty else {
      throw Unreadable("a match names attributes that are not understood")
    }
    var match = Authorization.Match()
    match.namespaces = try namespaces.map(modelled)
    match.notNamespaces = try notNamespaces.map(modelled)
    match.principals = try principals.map(modelled)
    match.notPrincipals = try notPrincipals.map(modelled)
    match.sourceIPs = try sourceIps.map(modelled)
    match.notSourceIPs = try notSourceIps.map(modelled)
    match.destinationIPs = try destinationIps.map(modelled)
    match.notDestinationIPs = try notDestinationIps.map(modelled)
    match.destinationPorts = try destinationPorts.map(port)
    match.notDestinationPorts = try notDestinationPorts.map(port)
    match.serviceAccounts = serviceAccounts.map(modelled)
    match.notServiceAccounts = notServiceAccounts.map(modelled)
    return match
  }
}

extension Istio_Security_StringMatch {
  init(_ match: Authorization.StringMatch) {
    self.init()
    switch match {
    case .exact(let text): exact = text
    case .prefix(let text): prefix = text
    case .suffix(let text): suffix = text
    case .presence: presence = Google_Protobuf_Empty()
    }
  }
}

extension Istio_Security_Address {
  init(_ range: IPPrefix) {
    self.init()
    address = Data(range.address.bytes)
    length = UInt32(range.length)
  }
}

extension Istio_Security_ServiceAccountMatch {
  init(_ match: Authorization.ServiceAccountMatch) {
    self.init()
    namespace = match.namespace
    serviceAccount = match.serviceAccount
  }
}

private func modelled(_ match: Istio_Security_StringMatch) throws(Unreadable) -> Authorization.StringMatch {
  switch match.matchType {
  case .exact(let text): .exact(text)
  case .prefix(let text): .prefix(text)
  case .suffix(let text): .suffix(text)
  case .presence: .presence
  case nil: throw Unreadable("a text match without a kind")
  }
}

private func modelled(_ range: Istio_Security_Address) throws(Unreadable) -> IPPrefix {
  let ip = try address(range.address)
  guard let prefix = IPPrefix(ip, length: Int(range.length)) else {
    throw Unreadable("\(ip)/\(range.length) is not a range of addresses")
  }
  return prefix
}

private func modelled(_ match: Istio_Security_ServiceAccountMatch) -> Authorization.ServiceAccountMatch {
  Authorization.ServiceAccountMatch(namespace: match.namespace, serviceAccount: match.serviceAccount)
}
