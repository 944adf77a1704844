import MeshModel

extension MeshList<ListedWorkload> {
  public init(_ log: ReportLog, knowing facts: MeshFacts, time: Int64) {
    var problems: [String: String] = [:]
    var certificates: [String: ListedCertificate] = [:]
    for (reporter, entry) in log.entries {
      for pod in entry.report.pods { problems[pod.name] = pod.problem }
      for certificate in entry.report.certificates {
        let listed = ListedCertificate(certificate, reporter)
        certificates["\(listed.reporter) \(listed.identity)"] = listed
      }
    }
    let items = facts.workloads.map { key, workload in
      let owner = facts.owners["\(workload.namespace)/\(MeshFacts.ownerName(of: workload))"]
      let reporter =
        facts.waypoint(of: workload).map { Reporter.waypoint($0, pod: workload.name) }
        ?? .agent(node: workload.node)
      return ListedWorkload(
        uid: workload.uid, namespace: workload.namespace, name: workload.name, owner: owner?.id ?? key,
        node: workload.node, addresses: workload.addresses.map(\.description),
        identity: workload.identity.description, isReady: workload.isHealthy,
        isCaptured: workload.tunnelProtocol == .hbone, waypoint: owner?.waypoint?.description,
        services: workload.services.keys.map(\.hostname).sorted(), policies: owner?.policies ?? [],
        problem: problems[key], certificate: certificates["\(reporter.name) \(workload.identity)"])
    }
    self.init(kind: "apus-workloads", time: time, items: items.sorted { $0.uid < $1.uid })
  }
}

extension MeshList<ListedCertificate> {
  public init(_ log: ReportLog, time: Int64) {
    let items = log.entries.flatMap { reporter, entry in
      entry.report.certificates.map { ListedCertificate($0, reporter) }
    }
    self.init(
      kind: "apus-certificates", time: time,
      items: items.sorted { ($0.identity, $0.reporter) < ($1.identity, $1.reporter) })
  }
}

extension ListedCertificate {
  init(_ certificate: ObservedCertificate, _ reporter: Reporter) {
    self.init(
      identity: certificate.identity, reporter: reporter.name, state: certificate.state,
      serial: certificate.serial, notBefore: certificate.notBefore, notAfter: certificate.notAfter,
      problem: certificate.problem)
  }
}

extension MeshList<ListedService> {
  public init(knowing facts: MeshFacts, time: Int64) {
    var endpoints: [ServiceKey: (all: Int, ready: Int)] = [:]
    for workload in facts.workloads.values {
      for key in workload.services.keys {
        endpoints[key, default: (0, 0)].all += 1
        endpoints[key]?.ready += workload.isHealthy ? 1 : 0
      }
    }
    let items = facts.services.map { service in
      ListedService(
        namespace: service.namespace, name: service.name, hostname: service.hostname,
        addresses: service.addresses.map(\.description),
        ports: service.ports.map { .init(port: $0.servicePort, target: $0.targetPort) },
        endpoints: endpoints[service.key]?.all ?? 0, endpointsReady: endpoints[service.key]?.ready ?? 0,
        waypoint: service.waypoint?.description, workloads: facts.backing[service.key] ?? [])
    }
    self.init(
      kind: "apus-services", time: time,
      items: items.sorted { ($0.namespace, $0.hostname) < ($1.namespace, $1.hostname) })
  }
}

extension MeshList<ListedPolicy> {
  /// `places`: where the rules of each policy were written.
  public init(knowing facts: MeshFacts, places: [String: [String]], time: Int64) {
    var bound: [String: [String]] = [:]
    for (id, owner) in facts.owners {
      for key in owner.policies { bound[key, default: []].append(id) }
    }
    var listed: [String: ListedPolicy] = [:]
    func add(_ policy: Authorization, by enforcer: String, binding workloads: [String]) {
      var item =
        listed[policy.key]
        ?? ListedPolicy(
          key: policy.key, namespace: policy.namespace, name: policy.name, action: "\(policy.action)",
          scope: Self.name(of: policy.scope), isDryRun: policy.isDryRun, rules: policy.rules.count,
          places: places[policy.key] ?? [], enforcedBy: [], workloads: [])
      item.rules = max(item.rules, policy.rules.count)
      item.enforcedBy.append(enforcer)
      item.workloads = Set(item.workloads + workloads).sorted()
      listed[policy.key] = item
    }
    for policy in facts.policies { add(policy, by: "agents", binding: bound[policy.key] ?? []) }
    for configuration in facts.waypoints {
      let behind = facts.owners(of: configuration.waypoint)
      for policy in configuration.authorizations {
        add(policy, by: "waypoint \(configuration.waypoint)", binding: behind)
      }
    }
    self.init(kind: "apus-policies", time: time, items: listed.values.sorted { $0.key < $1.key })
  }

  private static func name(of scope: Authorization.Scope) -> String {
    switch scope {
    case .global: "mesh"
    case .namespace: "namespace"
    case .workloadSelector: "workloads"
    }
  }
}

extension MeshList<ServiceGraph.Denial> {
  public init(_ log: ReportLog, knowing facts: MeshFacts, time: Int64) {
    self.init(kind: "apus-denials", time: time, items: ServiceGraph.denials(log, knowing: facts))
  }
}
