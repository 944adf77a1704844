import MeshModel

extension RuleReach {
  /// Whom a rule matches that asks for nothing which some have and others have not.
  enum Breadth: Int, Comparable {
    case everyIdentity
    case everybody

    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
  }

  /// Nil for a rule that makes a difference between peers, or between ports.
  var breadth: Breadth? {
    guard let sources = widest(rule.sources), let operations = widest(rule.operations),
      let conditions = breadth(rule.conditions)
    else { return nil }
    return min(sources, operations, conditions)
  }

  private func widest(_ alternatives: [[Term]]) -> Breadth? {
    alternatives.isEmpty ? .everybody : alternatives.compactMap(breadth).max()
  }

  private func breadth(_ terms: [Term]) -> Breadth? {
    let all = terms.compactMap(breadth)
    return all.count == terms.count ? all.min() ?? .everybody : nil
  }

  private func breadth(_ term: Term) -> Breadth? {
    guard term.unwanted.isEmpty else { return nil }
    switch term.attribute {
    case .principal, .namespace, .serviceAccount, .trustDomain:
      let mesh = PeerRange(trustDomain: setting.domains.own.first.map { .exact($0) } ?? .presence)
      return term.values.contains { peer($0, term)?.covers(mesh) ?? false } ? .everyIdentity : nil
    case .sourceIP, .destinationIP:
      let families = term.values.compactMap(AttributeValue.range).filter { $0.length == 0 }
      return Set(families.map(\.address.family)).count == 2 ? .everybody : nil
    case .destinationPort:
      guard let ports = setting.ports, !ports.isEmpty else { return nil }
      return ports.isSubset(of: term.values.compactMap(AttributeValue.port)) ? .everybody : nil
    default: return nil
    }
  }

  // MARK: Shadows

  /// Peers that the rule matches whatever else is true of their connection.
  var wholly: [PeerRange] {
    guard rule.operations.isEmpty, rule.conditions.isEmpty else { return [] }
    return rule.sources.flatMap { terms -> [PeerRange] in
      guard terms.count == 1, let term = terms.first, term.isOfPeer, term.unwanted.isEmpty else { return [] }
      return term.values.compactMap { peer($0, term) }
    }
  }

  /// True when the rule matches only peers of these.
  func isWithin(_ ranges: [PeerRange]) -> Bool {
    guard !ranges.isEmpty, !rule.sources.isEmpty else { return false }
    return rule.sources.allSatisfy { alternative in
      (alternative + rule.conditions).contains { term in
        term.isOfPeer && !term.values.isEmpty
          && term.values.allSatisfy { text in
            peer(text, term).map { value in ranges.contains { $0.covers(value) } } ?? false
          }
      }
    }
  }
}
