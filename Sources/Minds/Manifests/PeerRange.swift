import MeshModel

/// The identities that a value of a policy may stand for, whichever attribute it was written for: each part
/// of the SPIFFE id on its own.
struct PeerRange: Hashable, ValueRange {
  typealias Text = Authorization.StringMatch

  var trustDomain: Text = .presence
  var namespace: Text = .presence
  var account: Text = .presence

  static let everyone = PeerRange()

  func meets(_ other: PeerRange) -> Bool {
    trustDomain.meets(other.trustDomain) && namespace.meets(other.namespace) && account.meets(other.account)
  }

  func covers(_ other: PeerRange) -> Bool {
    trustDomain.covers(other.trustDomain) && namespace.covers(other.namespace)
      && account.covers(other.account)
  }

  init(trustDomain: Text = .presence, namespace: Text = .presence, account: Text = .presence) {
    self.trustDomain = trustDomain
    self.namespace = namespace
    self.account = account
  }

  /// Nil for a principal that no identity has. What cannot be told apart becomes wider, never narrower.
  init?(principal text: String) {
    self.init()
    switch AttributeValue.pattern(text) {
    case .presence: return
    case .exact(let whole):
      let parts = Self.parts(whole)
      guard parts.count == 5, parts[1] == "ns", parts[3] == "sa", parts.allSatisfy({ !$0.isEmpty }) else {
        return nil
      }
      self = PeerRange(trustDomain: .exact(parts[0]), namespace: .exact(parts[2]), account: .exact(parts[4]))
    case .prefix(let head):
      let parts = Self.parts(head)
      guard parts.count <= 5, Self.agrees(parts, at: 1, "ns"), Self.agrees(parts, at: 3, "sa") else {
        return nil
      }
      trustDomain = Self.beginning(parts, 0)
      namespace = Self.beginning(parts, 2)
      account = Self.beginning(parts, 4)
    case .suffix(let tail):
      let parts = Array(Self.parts(tail).reversed())
      guard parts.count <= 5, Self.agreesAtEnd(parts, 1, "sa"), Self.agreesAtEnd(parts, 3, "ns") else {
        return nil
      }
      account = Self.end(parts, 0)
      namespace = Self.end(parts, 2)
      trustDomain = Self.end(parts, 4)
    }
  }

  private static func parts(_ text: String) -> [String] {
    text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
  }

  /// The fixed word, whole, or as far as the prefix goes.
  private static func agrees(_ parts: [String], at index: Int, _ word: String) -> Bool {
    guard index < parts.count else { return true }
    return index == parts.count - 1 ? word.hasPrefix(parts[index]) : parts[index] == word
  }

  private static func agreesAtEnd(_ parts: [String], _ index: Int, _ word: String) -> Bool {
    guard index < parts.count else { return true }
    return index == parts.count - 1 ? word.hasSuffix(parts[index]) : parts[index] == word
  }

  private static func beginning(_ parts: [String], _ index: Int) -> Text {
    guard index < parts.count else { return .presence }
    if index < parts.count - 1 { return .exact(parts[index]) }
    return parts[index].isEmpty ? .presence : .prefix(parts[index])
  }

  private static func end(_ parts: [String], _ index: Int) -> Text {
    guard index < parts.count else { return .presence }
    if index < parts.count - 1 { return .exact(parts[index]) }
    return parts[index].isEmpty ? .presence : .suffix(parts[index])
  }
}

extension PeerRange {
  /// What a value of an attribute of peers stands for; nil for a principal that no identity has. The mesh's
  /// trust domain has one name here, whichever was written.
  init?(
    _ text: String, _ attribute: AuthorizationPolicyObject.Attribute, in namespace: String,
    _ domains: TrustDomainAliases
  ) {
    switch attribute {
    case .principal: self.init(principal: text)
    case .namespace: self.init(namespace: AttributeValue.pattern(text))
    case .trustDomain: self.init(trustDomain: AttributeValue.pattern(text))
    case .serviceAccount:
      guard let account = AttributeValue.account(text, in: namespace) else { return nil }
      self.init(namespace: .exact(account.namespace), account: .exact(account.serviceAccount))
    default: return nil
    }
    if let name = trustDomain.only { trustDomain = .exact(domains.names(name).first ?? name) }
  }
}
