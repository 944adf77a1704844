public import MeshModel

/// Judges one connection, as `istio.security.Authorization` defines it: a DENY that matches denies; without
/// ALLOW policies all is allowed; otherwise one ALLOW must match.
///
/// Behind a waypoint only the waypoint is allowed, and nothing else is asked: it asks policy for each
/// request, of the client that it speaks for.
///
/// Ignorance denies: before the first delivery of policies, and while a policy that binds the workload is
/// missing. Dry-run policies have no say. Only rules that may match the connection are looked at.
public func verdict(peer: Peer, destination: Destination, policies: ApplicablePolicies) -> Verdict {
  if let waypoints = policies.waypoints {
    guard let identity = peer.identity, waypoints.contains(identity) else { return .deny(.waypointRequired) }
    return .allow(Permit(destination: destination.address, peer: identity))
  }
  return judged(peer, destination, nil, policies)
}

/// Judges one request at a waypoint, which is asked of the client and not of itself: that the workload is
/// behind a waypoint means nothing here.
///
/// Without a request (a connection that is not HTTP) what policies ask of requests cannot be known: it holds
/// for a DENY, and for an ALLOW never.
public func verdict(
  peer: Peer, destination: Destination, request: RequestFacts?, policies: ApplicablePolicies
) -> Verdict {
  judged(peer, destination, request, policies)
}

private func judged(
  _ peer: Peer, _ destination: Destination, _ request: RequestFacts?, _ policies: ApplicablePolicies
) -> Verdict {
  guard policies.isDelivered else { return .deny(.notReady) }
  let facts = ConnectionFacts(peer: peer, destination: destination.address, request: request)
  let denying = facts.denying
  let keys = RuleIndex.Keys(peer: peer.identity, source: peer.address.ip, port: destination.address.port)

  for group in policies.groups {
    guard let found = group.denying.first(for: keys, where: { group[$0].matches(denying) }) else {
      continue
    }
    let policy = group.policies[Int(found.policy)]
    let asksForTLS = peer.identity == nil && ConvertedPolicy.isConverted(policy.name)
    return .deny(asksForTLS ? .mtlsRequired : .policy(policy.key))
  }
  if let missing = policies.missing.first { return .deny(.policyUnknown(missing)) }

  guard policies.groups.contains(where: \.restricts) else {
    return .allow(Permit(destination: destination.address, peer: peer.identity))
  }
  for group in policies.groups
  where group.allowing.first(for: keys, where: { group[$0].matches(facts) }) != nil {
    return .allow(Permit(destination: destination.address, peer: peer.identity))
  }
  return .deny(.noPolicyAllows)
}
