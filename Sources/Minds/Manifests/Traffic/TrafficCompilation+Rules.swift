import MeshModel

extension TrafficCompilation {
  // MARK: Which object is in force where

  /// Finds the services of every VirtualService. One for a name comes before one for a pattern.
  mutating func attachVirtualServices() {
    var byPattern: [ServiceKey: [(length: Int, object: VirtualServiceObject)]] = [:]
    for object in compilation.objects.traffic.virtualServices.oldestFirst {
      guard object.isForMesh else {
        tell(
          .noEffect, .warning, object.meta,
          "none of its gateways is \"mesh\", and no other gateway is run: it has no effect",
          remedy: "Add mesh to spec.gateways to route requests between workloads.")
        continue
      }
      var served: Set<ServiceKey> = []
      for host in object.hosts {
        for service in reachable(host, object) {
          let key = compilation.key(of: service)
          guard served.insert(key).inserted else { continue }
          if host.hasPrefix("*") {
            byPattern[key, default: []].append((host.count, object))
          } else {
            virtualServices[key, default: []].append(object)
          }
        }
      }
    }
    for (key, candidates) in byPattern where virtualServices[key] == nil {
      let longest = candidates.map(\.length).max()
      virtualServices[key] = candidates.filter { $0.length == longest }.map(\.object)
    }
    for (key, objects) in virtualServices.sorted(by: { $0.key.description < $1.key.description }) {
      reportShared(key, objects)
      for object in objects {
        reportUnread(key, object)
        need(key, because: "\(object.meta.title) routes requests to \(key.hostname)", object.meta)
      }
    }
  }

  /// The services of a host that the object may speak of: a waypoint follows the rules of the namespace of
  /// its service, so that nobody else can lead its requests astray.
  private mutating func reachable(_ host: String, _ object: VirtualServiceObject) -> [ServiceObject] {
    let namespace = object.meta.namespace
    let services = hosts.services(host, in: namespace)
    if services.isEmpty {
      tell(
        .unknownHost, .warning, object.meta, line: object.hostsLine,
        "spec.hosts: \(host) is no service of the mesh",
        remedy: hosts.suggestion(for: host, in: namespace))
    }
    guard HostName.isVisible(object.exportTo, from: namespace, in: namespace) else {
      tell(
        .outOfReach, .warning, object.meta,
        "spec.exportTo leaves out \(namespace), where waypoints look for rules: it has no effect",
        remedy: "Add \".\".")
      return []
    }
    let own = services.filter { $0.meta.namespace == namespace }
    if own.isEmpty, let other = services.first {
      tell(
        .outOfReach, .warning, object.meta,
        "it has no effect on \(other.meta.title): waypoints follow rules of the service's namespace only",
        remedy: "Move it to the namespace \(other.meta.namespace).")
    }
    return own
  }

  /// Rules for requests, of a service that says that it carries none.
  private mutating func reportUnread(_ key: ServiceKey, _ object: VirtualServiceObject) {
    guard !object.rules.isEmpty, let service = hosts.service(of: key) else { return }
    let speaks = service.protocols.map(\.speaks)
    guard !speaks.isEmpty, speaks.count == service.ports.count, speaks.allSatisfy({ $0 == .tcp }) else {
      return
    }
    tell(
      .noEffect, .warning, object.meta,
      "spec.http has no effect on \(service.meta.title), whose ports declare that they carry no HTTP",
      remedy: "Name a port http-... or give it appProtocol: http, or route in spec.tcp.")
  }

  private mutating func reportShared(_ key: ServiceKey, _ objects: [VirtualServiceObject]) {
    for object in objects.dropFirst() {
      tell(
        .sharedHost, .warning, object.meta,
        "\(objects[0].meta.title) at \(objects[0].meta.place) routes requests to \(key.hostname), too: "
          + "its rules come first",
        remedy: "Write all rules of a service in one object.")
    }
  }

  mutating func checkDestinationRules() {
    for rule in compilation.objects.traffic.destinationRules {
      guard rule.isWhole else {
        tell(
          .closedRoute, .error, rule.meta,
          "it cannot be read whole, so \(rule.host) keeps the defaults and has none of its subsets",
          remedy: "Correct the errors named beside this one.")
        continue
      }
      let namespace = rule.meta.namespace
      let services = hosts.services(rule.host, in: namespace)
      guard !services.isEmpty else {
        tell(
          .unknownHost, .warning, rule.meta, line: rule.hostLine,
          "spec.host: \(rule.host) is no service of the mesh",
          remedy: hosts.suggestion(for: rule.host, in: namespace))
        continue
      }
      for service in services {
        checkSubsets(of: rule, service)
        checkLocality(rule)
        let key = compilation.key(of: service)
        let isInForce = destinations.traffic(to: key, from: key.namespace).origin == rule.meta.title
        guard isInForce, rule.policy?.isForWaypoint == true else { continue }
        need(key, because: "\(rule.meta.title) guards the endpoints of \(key.hostname)", rule.meta)
      }
    }
  }

  /// Other localities are for when those nearby are ejected.
  private mutating func checkLocality(_ rule: DestinationRuleObject) {
    guard case .failover(let regions)? = rule.policy?.balancing?.locality, !regions.isEmpty else { return }
    guard rule.policy?.outliers == nil else { return }
    tell(
      .noEffect, .warning, rule.meta,
      "spec.trafficPolicy.loadBalancer.localityLbSetting.failover is for endpoints that are not ready: "
        + "nobody is ejected without outlierDetection",
      remedy: "Add spec.trafficPolicy.outlierDetection.")
  }

  private mutating func checkSubsets(of rule: DestinationRuleObject, _ service: ServiceObject) {
    let behind = population.labels[compilation.key(of: service)] ?? []
    for subset in rule.subsets where !behind.contains(where: { $0.hold(subset.labels) }) {
      tell(
        .emptySubset, .warning, rule.meta, line: subset.line,
        "the subset \(subset.name) selects no pod behind \(service.meta.title): its requests fail",
        remedy: "Compare its labels with those of the pods.")
    }
  }

  // MARK: Rules

  mutating func add(
    _ object: VirtualServiceObject, to traffic: inout ServiceTraffic, _ service: ServiceObject,
    _ waypoint: WaypointName
  ) {
    guard object.isWhole else {
      tell(
        .closedRoute, .error, object.meta,
        "it cannot be read whole, so requests to its hosts are answered 503",
        remedy: "Correct the errors named beside this one.")
      traffic.rules.append(RouteRule(origin: object.meta.title, action: .forward(Forward(backends: []))))
      places[object.meta.title] = object.meta.place
      return
    }
    for written in object.rules where written.isForMesh {
      traffic.rules.append(resolve(written, of: object.meta, service, waypoint))
    }
    for written in object.connectionRules {
      var rule = written.rule
      rule.backends = written.destinations.map { backend($0, of: object.meta, service, waypoint) }
      traffic.connectionRules.append(rule)
    }
  }

  /// The rule with its backends found.
  mutating func resolve(
    _ written: WrittenRule, of meta: ObjectMeta, _ service: ServiceObject, _ waypoint: WaypointName
  ) -> RouteRule {
    var rule = written.rule
    places[rule.origin] = Place(file: meta.place.file, line: written.line)
    if case .forward(var forward) = rule.action {
      forward.backends = written.destinations.map { backend($0, of: meta, service, waypoint) }
      rule.action = .forward(forward)
    }
    rule.mirrors = written.mirrors.map { mirror in
      Mirror(backend: backend(mirror.destination, of: meta, service, waypoint), share: mirror.share)
    }
    return rule
  }

  /// Pods behind a waypoint admit nobody else, so another account's waypoint cannot lead requests to them.
  private mutating func reportStranger(
    _ key: ServiceKey, _ destination: WrittenDestination, _ meta: ObjectMeta, _ waypoint: WaypointName
  ) {
    let others = (population.accounts[key] ?? []).filter { $0 != waypoint && needs.reasons[$0] != nil }
    guard let other = others.first else { return }
    tell(
      .behindOtherWaypoint, .warning, meta, line: destination.line,
      "\(destination.path): pods of \(other.serviceAccount) admit \(other.name) only, and "
        + "\(waypoint.name) leads these requests, so they are refused",
      remedy: "Give both one service account, or take away why \(other.name) is needed.")
  }

  /// What cannot be found keeps its share, so that it fails and is not sent elsewhere.
  private mutating func backend(
    _ destination: WrittenDestination, of meta: ObjectMeta, _ routed: ServiceObject, _ waypoint: WaypointName
  ) -> Backend {
    let nowhere = Backend(service: nil, weight: destination.weight, headers: destination.headers)
    let namespace = destination.namespace ?? meta.namespace
    guard isPermitted(destination, of: meta) else {
      tell(
        .referenceNotPermitted, .warning, meta, line: destination.line,
        "\(destination.path): nothing in \(namespace) permits \(destination.host) here, so it fails",
        remedy: "Add a ReferenceGrant to the namespace \(namespace).")
      return nowhere
    }
    guard let service = hosts.service(destination.host, in: namespace) else {
      tell(
        .unknownHost, .warning, meta, line: destination.line,
        "\(destination.path): \(destination.host) is no service of the mesh, so its requests fail",
        remedy: hosts.suggestion(for: destination.host, in: namespace))
      return nowhere
    }
    let key = compilation.key(of: service)
    let ports = service.ports.filter { $0.transport == .tcp }.map(\.port)
    let asked = destination.port.map { [$0] } ?? routed.ports.filter { $0.transport == .tcp }.map(\.port)
    var port = destination.port
    if port == nil, service != routed, ports.count == 1 { port = ports[0] }
    if port.map({ !ports.contains($0) }) ?? asked.contains(where: { !ports.contains($0) }) {
      let missing = asked.filter { !ports.contains($0) }.map(String.init).joined(separator: ", ")
      tell(
        .unknownPort, .warning, meta, line: destination.line,
        "\(destination.path): \(service.meta.title) has no port \(missing), so requests to it fail",
        remedy: "Say port: {number: ...} with one of \(ports.map(String.init).joined(separator: ", ")).")
      if port != nil { return nowhere }
    }
    let known = destinations.traffic(to: key, from: waypoint.namespace).subsets
    if let subset = destination.subset, !known.contains(where: { $0.name == subset }) {
      tell(
        .unknownSubset, .warning, meta, line: destination.line,
        "\(destination.path): no DestinationRule for \(key.hostname) has the subset \(subset), so it fails",
        remedy: "Add it to spec.subsets of a DestinationRule for \(service.meta.name).")
      return nowhere
    }
    reportStranger(key, destination, meta, waypoint)
    return Backend(
      service: key, port: port, subset: destination.subset, weight: destination.weight,
      headers: destination.headers)
  }
}
