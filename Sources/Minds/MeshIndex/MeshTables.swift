import MeshModel

/// What a snapshot holds, and what the builder changes: each table is shared between them until one part
/// changes.
struct MeshTables: Sendable {
  var workloads = ShardedMap<String, WorkloadEntry>()
  /// The owner of each address.
  var byAddress = ShardedMap<IPAddress, WorkloadEntry>()
  var services = ShardedMap<ServiceKey, ServiceEntry>()
  /// Services with the virtual address, by namespace and host name: nearly always one.
  var byVirtualAddress = ShardedMap<IPAddress, [ServiceKey]>()
  var policies = PolicyTables()
  var telemetry = TelemetryRules()
  /// The first delivery of workloads and services is complete.
  var hasAddresses = false
}
