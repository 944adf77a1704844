/// One end of requests, as records and metrics tell it: made once for a connection or an endpoint and shared
/// by all records of its requests.
public final class RequestParty: Sendable {
  public let party: ConnectionRecord.Party
  /// Of what metrics tell of it.
  private let digest: Int

  public init(_ party: ConnectionRecord.Party) {
    self.party = party
    var hasher = Hasher()
    hasher.combine(party.owner.isEmpty ? party.workload : party.owner)
    hasher.combine(party.namespace)
    hasher.combine(party.identity)
    hasher.combine(party.canonicalRevision)
    digest = hasher.finalize()
  }

  /// Metrics do not tell the two apart: they are of one owner, application, version and identity.
  public func countsAs(_ other: RequestParty) -> Bool {
    guard self !== other else { return true }
    let (one, two) = (party, other.party)
    return digest == other.digest && one.owner == two.owner
      && (!one.owner.isEmpty || one.workload == two.workload) && one.namespace == two.namespace
      && one.identity == two.identity && one.canonicalName == two.canonicalName
      && one.canonicalRevision == two.canonicalRevision && one.cluster == two.cluster
  }

  public func hashLabels(into hasher: inout Hasher) { hasher.combine(digest) }
}
