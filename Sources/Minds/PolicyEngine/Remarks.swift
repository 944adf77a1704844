public import MeshModel

/// What the policies that decide nothing say of a connection of which `verdict` was given: AUDIT, and dry
/// runs. Nil when none binds the workload, and then it costs a look at three references; or when none says
/// anything.
public func remarks(
  peer: Peer, destination: Destination, policies: ApplicablePolicies, verdict: borrowing Verdict
) -> PolicyRemarks? {
  // Behind a waypoint the peer is the waypoint, and what is asked of clients is asked there.
  guard policies.watches, policies.isDelivered, policies.waypoints == nil else { return nil }
  return remarks(peer, destination, nil, policies, isAllowed: verdict.refusal == nil)
}

/// The same at a waypoint, of a request; nil is a connection that is not HTTP.
public func remarks(
  peer: Peer, destination: Destination, request: RequestFacts?, policies: ApplicablePolicies,
  verdict: borrowing Verdict
) -> PolicyRemarks? {
  guard policies.watches, policies.isDelivered else { return nil }
  return remarks(peer, destination, request, policies, isAllowed: verdict.refusal == nil)
}

private func remarks(
  _ peer: Peer, _ destination: Destination, _ request: RequestFacts?, _ policies: ApplicablePolicies,
  isAllowed: Bool
) -> PolicyRemarks? {
  let facts = ConnectionFacts(peer: peer, destination: destination.address, request: request)
  let keys = RuleIndex.Keys(peer: peer.identity, source: peer.address.ip, port: destination.address.port)
  var audits = Named()
  var denials = Named()
  var allowances = Named()
  var restricts = false
  for group in policies.groups {
    guard let watching = group.watching else { continue }
    audits.add(watching.auditing, of: group, keys, facts)
    denials.add(watching.dryDenying, of: group, keys, facts.denying)
    allowances.add(watching.dryAllowing, of: group, keys, facts)
    restricts = restricts || watching.dryRestricts
  }
  var dryRuns = denials.keys.map(PolicyRemarks.DryRun.deny)
  dryRuns += allowances.keys.map(PolicyRemarks.DryRun.allow)
  // Where an ALLOW is enforced, one that matches allows also beside those of the dry run.
  if restricts, allowances.keys.isEmpty, isAllowed, !policies.groups.contains(where: \.restricts) {
    dryRuns.append(.noPolicyAllows)
  }
  guard !audits.keys.isEmpty || !dryRuns.isEmpty else { return nil }
  return PolicyRemarks(
    audits: audits.keys, dryRuns: dryRuns, areAuditsCut: audits.isCut,
    areDryRunsCut: denials.isCut || allowances.isCut)
}

/// The first few policies of one kind that match, over all groups.
private struct Named {
  var keys: [String] = []
  var isCut = false

  mutating func add(
    _ index: RuleIndex, of group: PolicyGroup, _ keys: RuleIndex.Keys, _ connection: ConnectionFacts
  ) {
    let room = PolicyRemarks.limit - self.keys.count
    let all = index.policies(for: keys, limit: room) { group[$0].matches(connection) }
    self.keys += all.found.map { group.policies[Int($0)].key }
    isCut = isCut || all.isCut
  }
}
