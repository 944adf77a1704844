public import MeshModel

/// The mesh as deltas arrive, in any order: the builder of snapshots. Nothing that arrives is lost because
/// something else has not: a workload whose service is unknown waits for it.
///
/// A change costs one part of each table it touches, plus the endpoints of the services it touches, once a
/// snapshot.
public struct MeshState: Sendable {
  private var tables = MeshTables()
  /// Workloads that name a service, whether the service is known or not.
  private var members: [ServiceKey: ServiceMembers] = [:]
  /// Addresses that several workloads claim, with their uids.
  private var contested: [IPAddress: Set<String>] = [:]
  /// Services whose endpoints changed since the last snapshot.
  private var dirty: Set<ServiceKey> = []
  private var arrivals: UInt64 = 0
  private var revision: UInt64 = 0
  private var policyRevision: UInt64 = 0

  public init() {}

  /// An immutable view of what is known now.
  public mutating func snapshot() -> MeshSnapshot {
    for key in dirty { rebuild(key) }
    dirty.removeAll(keepingCapacity: true)
    tables.policies.seal()
    revision += 1
    return MeshSnapshot(revision: revision, policyRevision: policyRevision, tables: tables)
  }

  /// The first delivery of workloads and services is complete; until then every route refuses.
  public mutating func markAddressesDelivered() { tables.hasAddresses = true }

  /// The first delivery of policies is complete; until then every verdict denies.
  public mutating func markAuthorizationsDelivered() {
    if !tables.policies.isDelivered { policyRevision += 1 }
    tables.policies.isDelivered = true
  }

  // MARK: Workloads

  public mutating func upsert(_ workload: Workload) {
    let old = tables.workloads[workload.uid]
    guard old?.workload != workload else { return }
    if old.map({
      $0.workload.policies != workload.policies || $0.workload.namespace != workload.namespace
        || $0.workload.waypoint != workload.waypoint
    }) ?? true {
      policyRevision += 1
    }
    arrivals += 1
    let entry = WorkloadEntry(workload, arrival: old?.arrival ?? arrivals)
    tables.workloads[workload.uid] = entry
    let claimed = Self.indexed(workload)
    for address in old.map({ Self.indexed($0.workload) }) ?? [] where !claimed.contains(address) {
      release(address, of: workload.uid)
    }
    for address in claimed { claim(address, for: entry) }
    for key in (old?.workload.services ?? [:]).keys where workload.services[key] == nil {
      leave(key, workload.uid)
    }
    for key in workload.services.keys {
      members[key, default: ServiceMembers()].insert(entry)
      dirty.insert(key)
    }
  }

  public mutating func removeWorkload(uid: String) {
    guard let old = tables.workloads[uid] else { return }
    tables.workloads[uid] = nil
    for address in Self.indexed(old.workload) { release(address, of: uid) }
    for key in old.workload.services.keys { leave(key, uid) }
  }

  /// Pods on the host's network share its address, which therefore names none of them.
  private static func indexed(_ workload: Workload) -> [IPAddress] {
    workload.usesHostNetwork ? [] : workload.addresses
  }

  private mutating func claim(_ address: IPAddress, for entry: WorkloadEntry) {
    let uid = entry.workload.uid
    guard let owner = tables.byAddress[address], owner.workload.uid != uid || contested[address] != nil else {
      tables.byAddress[address] = entry
      return
    }
    contested[address, default: [owner.workload.uid]].insert(uid)
    settle(address)
  }

  private mutating func release(_ address: IPAddress, of uid: String) {
    if contested[address] != nil {
      contested[address]?.remove(uid)
      settle(address)
      if contested[address]?.count == 1 { contested[address] = nil }
    } else if tables.byAddress[address]?.workload.uid == uid {
      tables.byAddress[address] = nil
    }
  }

  private mutating func settle(_ address: IPAddress) {
    let claims = (contested[address] ?? []).compactMap { tables.workloads[$0] }
    tables.byAddress[address] = claims.max { $1.precedes($0) }
  }

  private mutating func leave(_ key: ServiceKey, _ uid: String) {
    members[key]?.remove(uid)
    if members[key]?.isEmpty == true { members[key] = nil }
    dirty.insert(key)
  }

  // MARK: Services

  public mutating func upsert(_ service: Service) {
    let old = tables.services[service.key]
    guard old?.service != service else { return }
    // Whom the workloads behind a waypoint accept.
    if (old?.service.subjectAltNames ?? []) != service.subjectAltNames { policyRevision += 1 }
    for address in old?.service.addresses ?? [] where !service.addresses.contains(address) {
      withdraw(address, from: service.key)
    }
    for address in service.addresses { publish(address, of: service.key) }
    tables.services[service.key] = ServiceEntry(service, members: [])
    dirty.insert(service.key)
  }

  public mutating func removeService(_ key: ServiceKey) {
    guard let old = tables.services[key] else { return }
    if !old.service.subjectAltNames.isEmpty { policyRevision += 1 }
    for address in old.service.addresses { withdraw(address, from: key) }
    tables.services[key] = nil
    dirty.remove(key)
  }

  private mutating func publish(_ address: IPAddress, of key: ServiceKey) {
    tables.byVirtualAddress.update(address) { keys in
      var list = keys ?? []
      guard !list.contains(key) else { return }
      list.insert(key, at: list.firstIndex { $0.description > key.description } ?? list.endIndex)
      keys = list
    }
  }

  private mutating func withdraw(_ address: IPAddress, from key: ServiceKey) {
    tables.byVirtualAddress.update(address) { keys in
      keys?.removeAll { $0 == key }
      if keys?.isEmpty == true { keys = nil }
    }
  }

  private mutating func rebuild(_ key: ServiceKey) {
    guard let service = tables.services[key]?.service else { return }
    tables.services[key] = ServiceEntry(service, members: members[key]?.entries ?? [])
  }

  // MARK: Authorizations

  public mutating func upsert(_ policy: Authorization) {
    guard tables.policies[policy.key] != policy else { return }
    tables.policies.upsert(policy)
    policyRevision += 1
  }

  /// `key` is `namespace/name`.
  public mutating func removeAuthorization(_ key: String) {
    tables.policies.remove(key)
    policyRevision += 1
  }

  /// A policy arrived that cannot be read whole. The earlier version stays; if there is none, whom it may
  /// bind is denied until a readable one comes. Pass `.global` when its scope cannot be read either.
  public mutating func rejectAuthorization(_ key: String, namespace: String, scope: Authorization.Scope) {
    tables.policies.reject(key, namespace: namespace, scope: scope)
    policyRevision += 1
  }

  // MARK: Telemetry

  public mutating func upsert(_ scope: TelemetryScope) { tables.telemetry.upsert(scope) }
  public mutating func removeTelemetry(_ namespace: String) { tables.telemetry.remove(namespace) }

  // MARK: Names on the wire

  /// Removes what an `istio.workload.Address` resource of this name was: a workload's uid or a service's
  /// `namespace/hostname`.
  public mutating func removeAddress(named name: String) {
    if tables.workloads[name] != nil {
      removeWorkload(uid: name)
    } else if let key = ServiceKey(name) {
      removeService(key)
    }
  }
}
