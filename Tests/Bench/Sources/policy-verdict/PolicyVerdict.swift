import HTTPModel
import MeshIndex
import MeshModel
import PolicyEngine

/// What one verdict costs at 10, 1,000 and 50,000 policies: of other namespaces, of the workload's own
/// namespace for other peers, and of other workloads by selector. Flat means that a mesh may have any number.
@main
struct PolicyVerdict {
  /// Where the policies that do not concern the connection are.
  enum Layout: String, CaseIterable {
    case otherNamespaces = "bind other namespaces"
    case otherWorkloads = "select other workloads"
    case sameNamespace = "bind the namespace, for other peers"
    case sameWorkload = "selected by the workload, for other peers"
    case audits = "AUDIT in the namespace, for other peers"
  }

  static func main() throws {
    print(
      "ns per verdict, and for what AUDIT and dry runs say beside it (`remarks`); `request` is allowed at a "
        + "waypoint by its method, path, header and token; "
        + "`resolve` is done once per pod and change, not per connection\n"
    )
    print(row("policies that", "policies", "allowed", "refused", "request", "remarks", "resolve"))
    for layout in Layout.allCases {
      for count in [10, 1_000, 50_000] {
        let figures = try measure(layout, count)
        print(
          row(
            layout.rawValue, "\(count)", "\(figures.allowed)", "\(figures.refused)", "\(figures.request)",
            "\(figures.remarks)", "\(figures.resolve)"))
      }
    }
  }

  static func row(_ cells: String...) -> String {
    let widths = [44, 10, 10, 10, 10, 10, 14]
    return zip(cells, widths).enumerated().map { index, cell in
      let space = String(repeating: " ", count: max(0, cell.1 - cell.0.utf8.count))
      return index == 0 ? cell.0 + space : space + cell.0
    }.joined()
  }

  static func measure(
    _ layout: Layout, _ count: Int
  ) throws -> (allowed: Int, refused: Int, request: Int, remarks: Int, resolve: Int) {
    let server = try Identity(spiffe: "spiffe://cluster.local/ns/production/sa/payment")
    let friend = try Identity(spiffe: "spiffe://cluster.local/ns/production/sa/order")
    let foe = try Identity(spiffe: "spiffe://cluster.local/ns/production/sa/web")
    let address = SocketAddress(IPAddress(v4: 0x0af4_0002), 8080)
    let others = (0..<count).map { index in
      policy(
        "other-\(index)", layout == .otherNamespaces ? "ns-\(index % 500)" : "production",
        layout == .otherWorkloads || layout == .sameWorkload ? .workloadSelector : .namespace,
        layout == .audits ? .audit : index.isMultiple(of: 2) ? .deny : .allow,
        "cluster.local/ns/production/sa/peer-\(index)")
    }
    let mine = policy("mine", "production", .workloadSelector, .allow, friend.principal)
    let workload = Workload(
      uid: "Kubernetes//Pod/production/payment", name: "payment", namespace: "production", identity: server,
      addresses: [address.ip], tunnelProtocol: .hbone,
      policies: [mine.key] + (layout == .sameWorkload ? others.map(\.key) : []))
    let mesh = Self.mesh(workload, others + [mine])
    let destination = Destination(workload: workload, address: address)
    let policies = mesh.authorizations(for: workload)
    func judge(_ identity: Identity, _ expected: RefusalReason?) -> Int {
      let peer = Peer(identity: identity, address: SocketAddress(IPAddress(v4: 0x0af4_0009), 40_000))
      return nanoseconds(200_000) {
        precondition(verdict(peer: peer, destination: destination, policies: policies).refusal == expected)
      }
    }
    let resolve = nanoseconds(layout == .sameWorkload ? 20 : 10_000) {
      precondition(!mesh.authorizations(for: workload).groups.isEmpty)
    }
    let peer = Peer(identity: friend, address: SocketAddress(IPAddress(v4: 0x0af4_0009), 40_000))
    let answer = verdict(peer: peer, destination: destination, policies: policies)
    let remarked = nanoseconds(200_000) {
      precondition(
        remarks(peer: peer, destination: destination, policies: policies, verdict: answer) == nil)
    }
    let whole = Self.mesh(workload, (others + [mine]).map(Self.whole)).authorizations(for: workload)
    let asked = nanoseconds(200_000) {
      let answer = verdict(peer: peer, destination: destination, request: request, policies: whole)
      precondition(answer.refusal == nil)
    }
    return (judge(friend, nil), judge(foe, .noPolicyAllows), asked, remarked, resolve)
  }

  static func mesh(_ workload: Workload, _ policies: [Authorization]) -> MeshSnapshot {
    var state = MeshState()
    state.upsert(workload)
    for policy in policies { state.upsert(policy) }
    state.markAddressesDelivered()
    state.markAuthorizationsDelivered()
    return state.snapshot()
  }

  static let request = RequestFacts(
    method: "POST", path: "/v1/payments/7", host: "payment.production:8080",
    fields: (0..<12).map { Field("x-field-\($0)", "value") } + [Field("x-tenant", "blue")],
    token: TokenIdentity(principal: "https://issuer.test/alice", claims: ["role": .text("admin")]))

  /// The same policy, and what a waypoint is asked beside it.
  static func whole(_ policy: Authorization) -> Authorization {
    var policy = policy
    policy.rules[0].clauses[0].matches[0].terms = [
      .init(.method, [.text(.exact("GET")), .text(.exact("POST"))]),
      .init(.path, [.template("/v1/{*}/orders"), .template("/v1/payments/{**}")]),
      .init(.host, [.text(.exact("payment.production"))]),
      .init(.header("x-tenant"), [.text(.exact("blue"))]),
      .init(.tokenPrincipal, [.text(.prefix("https://issuer.test/"))]),
      .init(.tokenClaim(["role"]), [.text(.exact("admin"))]),
    ]
    return policy
  }

  static func policy(
    _ name: String, _ namespace: String, _ scope: Authorization.Scope, _ action: Authorization.Action,
    _ principal: String
  ) -> Authorization {
    var match = Authorization.Match()
    match.principals = [.exact(principal)]
    return Authorization(
      name: name, namespace: namespace, scope: scope, action: action,
      rules: [.init(clauses: [.init(matches: [match])])])
  }

  /// The best of five rounds, per call.
  static func nanoseconds(_ count: Int, _ body: () -> Void) -> Int {
    let clock = ContinuousClock()
    let rounds = (0..<5).map { _ in clock.measure { for _ in 0..<count { body() } } }
    let best = rounds.min() ?? .zero
    return Int(best.components.attoseconds / 1_000_000_000 + best.components.seconds * 1_000_000_000) / count
  }
}
