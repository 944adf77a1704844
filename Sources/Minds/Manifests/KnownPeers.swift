import MeshModel

/// Who may come, as far as the manifests tell. They may be a part of what is deployed, so who is not in them
/// is doubtful, not absent.
struct KnownPeers {
  /// Why no peer of a range may ever come.
  struct Doubt: Hashable {
    var code: FindingCode
    var severity: Finding.Severity
    /// Follows the value: `names ...`.
    var why: String
    var remedy: String
  }

  private typealias Account = Authorization.ServiceAccountMatch

  private let domains: [String]
  /// Of their workloads nothing is known.
  private let foreign: [String]
  private var namespaces: Set<String> = ["default"]
  private var accounts: [String: Set<String>] = [:]
  /// Whether the workloads of an account are enrolled, any of them.
  private var enrolled: [Account: Bool] = [:]
  private var hasWorkloads = false

  init(_ objects: ManifestSet, _ templates: [PodTemplate], _ options: CompileOptions) {
    domains = TrustDomainAliases(options).own
    foreign = options.foreignTrustDomains.map(\.name)
    namespaces.formUnion(objects.namespaces.map(\.meta.name))
    for account in objects.serviceAccounts {
      accounts[account.meta.namespace, default: []].insert(account.meta.name)
    }
    for template in templates {
      hasWorkloads = true
      let account = Account(namespace: template.namespace, serviceAccount: template.spec.serviceAccount)
      accounts[account.namespace, default: []].insert(account.serviceAccount)
      enrolled[account] = template.isEnrolled || enrolled[account] == true
    }
    namespaces.formUnion(accounts.keys)
  }

  /// Nil when a peer of the range may come.
  func doubt(_ range: PeerRange) -> Doubt? {
    guard !foreign.contains(where: range.trustDomain.takes) else { return nil }
    guard domains.contains(where: range.trustDomain.takes) else {
      return Doubt(
        code: .foreignTrustDomain, severity: .warning,
        why: "names a trust domain that is not the mesh's, which is \(domains.joined(separator: ", "))",
        remedy: "Name the mesh's; if it is accepted, say so with --trust-domain, -alias or --foreign-domain.")
    }
    guard hasWorkloads else { return nil }
    if let place = range.namespace.only { return doubt(range, in: place) }
    guard namespaces.contains(where: range.namespace.takes) else { return Self.unknownNamespace }
    let isKnown = namespaces.contains { range.namespace.takes($0) && has(range.account, in: $0) }
    // Elsewhere there may be another namespace with such an account.
    return isKnown ? nil : Self.unknownAccount(.info)
  }

  private func doubt(_ range: PeerRange, in place: String) -> Doubt? {
    guard namespaces.contains(place) else { return Self.unknownNamespace }
    guard has(range.account, in: place) else { return Self.unknownAccount(.warning) }
    let found = range.account.only.map { [$0] } ?? accounts[place, default: []].filter(range.account.takes)
    let users = found.compactMap { enrolled[Account(namespace: place, serviceAccount: $0)] }
    guard !users.isEmpty, !users.contains(true) else { return nil }
    return Doubt(
      code: .peerNotEnrolled, severity: .warning,
      why: "names peers that are not enrolled, so they come without an identity",
      remedy: "Label their namespace \(DataplaneMode.label): \(DataplaneMode.ambient).")
  }

  /// Every namespace has the account `default`. Of one without any workload nobody can say which it has.
  private func has(_ account: PeerRange.Text, in place: String) -> Bool {
    guard let known = accounts[place], !account.takes("default") else { return true }
    return account.only.map(known.contains) ?? known.contains(where: account.takes)
  }

  private static let unknownNamespace = Doubt(
    code: .unknownPeer, severity: .info, why: "names a namespace that is not in these manifests",
    remedy: "Correct it, unless that namespace is kept elsewhere.")

  private static func unknownAccount(_ severity: Finding.Severity) -> Doubt {
    Doubt(
      code: .unknownPeer, severity: severity,
      why: "names a service account that no manifest declares and no workload has",
      remedy: "Correct it, or add the ServiceAccount.")
  }
}
