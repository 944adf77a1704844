public import MeshModel

/// Judges one connection, as `istio.security.Authorization` defines it: a DENY that matches denies; without
/// ALLOW policies all is allowed; otherwise one ALLOW must match.
///
/// Ignorance denies: before the first delivery of policies, and while a policy that binds the workload is
/// missing. Dry-run policies have no say.
public func verdict(peer: Peer, destination: Destination, policies: ApplicablePolicies) -> Verdict {
  guard policies.isDelivered else { return .deny(.notReady) }
  let connection = ConnectionFacts(peer: peer, destination: destination.address)

  for policy in policies.policies where policy.action == .deny && !policy.isDryRun {
    guard policy.matches(connection) else { continue }
    let asksForTLS = peer.identity == nil && ConvertedPolicy.isConverted(policy.name)
    return .deny(asksForTLS ? .mtlsRequired : .policy(policy.key))
  }
  if let missing = policies.missing.first { return .deny(.policyUnknown(missing)) }

  var isRestricted = false
  for policy in policies.policies where policy.action == .allow && !policy.isDryRun {
    isRestricted = true
    if policy.matches(connection) {
      return .allow(Permit(destination: destination.address, peer: peer.identity))
    }
  }
  guard !isRestricted else { return .deny(.noPolicyAllows) }
  return .allow(Permit(destination: destination.address, peer: peer.identity))
}
