import MeshModel

@testable import PolicyEngine

func identity(_ namespace: String, _ account: String, domain: TrustDomain = .clusterLocal) throws -> Identity
{
  try Identity(trustDomain: domain, namespace: namespace, serviceAccount: account)
}

func address(_ text: String) throws -> SocketAddress {
  struct Unreadable: Error {}
  guard let address = SocketAddress(text) else { throw Unreadable() }
  return address
}

func policy(
  _ name: String, _ action: Authorization.Action, _ rules: [Authorization.Rule], isDryRun: Bool = false
) -> Authorization {
  Authorization(
    name: name, namespace: "production", scope: .namespace, action: action, rules: rules, isDryRun: isDryRun)
}

/// One rule of one clause of one match.
func rule(_ change: (inout Authorization.Match) -> Void) -> Authorization.Rule {
  Authorization.Rule(clauses: [clause(change)])
}

func clause(_ change: (inout Authorization.Match) -> Void) -> Authorization.Clause {
  var match = Authorization.Match()
  change(&match)
  return Authorization.Clause(matches: [match])
}

/// The refusal of a connection from `identity` (nil: plaintext) to port 8080 of payment-service, nil when
/// allowed.
func refusal(
  _ identity: Identity?, from: String = "10.244.1.2:40000", to: String = "10.244.2.3:8080",
  _ policies: ApplicablePolicies
) throws -> RefusalReason? {
  let workload = Workload(
    uid: "Kubernetes//Pod/production/payment", name: "payment", namespace: "production",
    identity: try PolicyEngineTests.identity("production", "payment-service-sa"), addresses: [])
  let answer = verdict(
    peer: Peer(identity: identity, address: try address(from)),
    destination: Destination(workload: workload, address: try address(to)), policies: policies)
  return answer.refusal
}

func refusal(
  _ identity: Identity?, from: String = "10.244.1.2:40000", to: String = "10.244.2.3:8080",
  _ policies: [Authorization]
) throws -> RefusalReason? {
  try refusal(identity, from: from, to: to, ApplicablePolicies(policies))
}
