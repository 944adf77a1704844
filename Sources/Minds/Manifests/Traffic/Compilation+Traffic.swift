import MeshModel

extension Compilation {
  /// What becomes of requests, and which waypoints see to it.
  mutating func compileTraffic() {
    guard options.hasWaypoints else {
      for object in objects.requestAuthentications {
        findings.append(
          object.finding(
            .unenforcedPolicy, .error,
            "this version does not enforce \(object.meta.kind) yet, so what it closes would stay open",
            remedy: "Take it out of the directory to run without it."))
      }
      for meta in objects.traffic.metas {
        let effect = TrafficKind(rawValue: meta.kind)?.effectOfAbsence ?? ""
        findings.append(
          Finding(
            .unsupportedKind, .warning, object: meta.title, at: meta.place,
            "\(meta.kind) is not honoured yet: \(effect)"))
      }
      return
    }
    var traffic = TrafficCompilation(self)
    traffic.run()
    findings += traffic.findings
    mesh.waypoints = traffic.waypoints
    mesh.routeOrigins = traffic.places
    bindWorkloads(traffic)
    bindServices(traffic)
  }

  private mutating func bindWorkloads(_ traffic: TrafficCompilation) {
    let pods = Dictionary(objects.pods.map { ($0.meta.key, $0) }) { first, _ in first }
    var labels: [ServiceKey: Set<String>] = [:]
    for service in mesh.services { labels[service.key] = traffic.destinations.labels(of: service.key) }
    for index in mesh.workloads.indices {
      let workload = mesh.workloads[index]
      guard let pod = pods["\(workload.namespace)/\(workload.name)"] else { continue }
      if Population.isWaypoint(pod.meta.labels, pod.spec) {
        mesh.workloads[index].tunnelProtocol = .hbone
        mesh.workloads[index].services = [:]
        let own = traffic.waypoints.first {
          $0.waypoint.name == pod.spec.serviceAccount && $0.waypoint.namespace == workload.namespace
        }
        if let own {
          mesh.workloads[index].services[own.waypoint.service(in: options.clusterDomain)] = [Self.tunnelPort]
        }
        continue
      }
      let used = workload.services.keys.reduce(into: Set<String>()) { $0.formUnion(labels[$1] ?? []) }
      mesh.workloads[index].subsetLabels = pod.meta.labels.filter { used.contains($0.key) }
      let account = WaypointName(
        namespace: workload.namespace, serviceAccount: workload.identity.serviceAccount)
      // A pod that is not captured has no agent that could ask: where requests come to it by the waypoint,
      // policy is asked there. One whose PeerAuthentication says DISABLE has one, which asks.
      let isEnrolled = isEnrolled(pod.meta.labels, pod.spec, in: workload.namespace)
      guard traffic.needs.reasons[account] != nil, workload.tunnelProtocol == .hbone || !isEnrolled else {
        continue
      }
      mesh.workloads[index].waypoint = account.service(in: options.clusterDomain)
      mesh.workloads[index].authentications = traffic.authentications.selecting(
        namespace: workload.namespace, labels: pod.meta.labels)
    }
  }

  private static let tunnelPort = PortMapping(servicePort: MeshPort.hbone, targetPort: MeshPort.hbone)

  /// A waypoint's own service is known by name only: agents pick one of its pods. One that is declared keeps
  /// its addresses.
  private mutating func bindServices(_ traffic: TrafficCompilation) {
    for index in mesh.services.indices {
      mesh.services[index].waypoint = traffic.needs.waypoint(of: mesh.services[index].key)?.service(
        in: options.clusterDomain)
    }
    let names = traffic.waypoints.map(\.waypoint)
    let keys = Set(names.map { $0.service(in: options.clusterDomain) })
    let declared = Dictionary(mesh.services.filter { keys.contains($0.key) }.map { ($0.key, $0) }) {
      first, _ in first
    }
    mesh.services.removeAll { keys.contains($0.key) }
    for waypoint in names {
      let key = waypoint.service(in: options.clusterDomain)
      let identity = try? Identity(
        trustDomain: options.trustDomain, namespace: waypoint.namespace, serviceAccount: waypoint.name)
      var service = declared[key] ?? Service(name: waypoint.name, key: key, addresses: [], ports: [])
      service.ports = [Self.tunnelPort]
      service.subjectAltNames = identity.map { [$0] } ?? []
      service.waypoint = nil
      mesh.services.append(service)
    }
    mesh.services.sort { ($0.namespace, $0.hostname) < ($1.namespace, $1.hostname) }
  }
}
