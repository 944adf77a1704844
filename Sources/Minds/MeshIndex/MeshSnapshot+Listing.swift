public import MeshModel

/// The whole content, for status pages and dumps; in no particular order. Not for the path of a connection.
extension MeshSnapshot {
  public var workloadCount: Int { tables.workloads.count }
  public var serviceCount: Int { tables.services.count }
  public var authorizationCount: Int { tables.policies.count }

  /// Those that back a service, ready or not; empty for a service that is not known.
  public func workloads(behind key: ServiceKey) -> [Workload] {
    tables.services[key]?.members.map(\.workload) ?? []
  }

  public var workloads: some Sequence<Workload> { tables.workloads.values.lazy.map(\.workload) }
  public var services: some Sequence<Service> { tables.services.values.lazy.map(\.service) }
  public var authorizations: some Sequence<Authorization> { tables.policies.all }
}
