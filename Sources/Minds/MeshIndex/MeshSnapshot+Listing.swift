public import MeshModel

/// The whole content, for status pages and dumps; in no particular order. Not for the path of a connection.
extension MeshSnapshot {
  public var workloadCount: Int { tables.workloads.count }
  public var serviceCount: Int { tables.services.count }
  public var authorizationCount: Int { tables.policies.count }

  public var workloads: some Sequence<Workload> { tables.workloads.values.lazy.map(\.workload) }
  public var services: some Sequence<Service> { tables.services.values.lazy.map(\.service) }
  public var authorizations: some Sequence<Authorization> { tables.policies.all }
}
