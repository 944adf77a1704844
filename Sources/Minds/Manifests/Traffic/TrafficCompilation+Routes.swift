import MeshModel

/// A route and the port of a service that it is for; nil for all.
struct AttachedRoute: Hashable {
  var route: RouteObject
  var port: UInt16?
}

extension TrafficCompilation {
  /// Finds the services of every HTTPRoute and GRPCRoute.
  mutating func attachRoutes() {
    for route in compilation.objects.traffic.routes.oldestFirst {
      for parent in route.parents {
        guard let service = service(of: parent, route.meta) else { continue }
        let key = compilation.key(of: service)
        let ports = service.ports.filter { $0.transport == .tcp }
        let named = ports.filter {
          (parent.port == nil || parent.port == $0.port)
            && (parent.portName == nil || parent.portName == $0.name)
        }
        let isForAll = parent.port == nil && parent.portName == nil
        guard isForAll || !named.isEmpty else {
          tell(
            .unknownPort, .warning, route.meta, line: parent.line,
            "\(parent.path): \(service.meta.title) has no port "
              + (parent.portName ?? parent.port.map(String.init) ?? ""),
            remedy: "Name one of \(ports.map { String($0.port) }.joined(separator: ", ")).")
          continue
        }
        let attached = AttachedRoute(route: route, port: isForAll ? nil : named.first?.port)
        if routes[key]?.contains(attached) != true { routes[key, default: []].append(attached) }
        if let other = virtualServices[key]?.first {
          tell(
            .sharedHost, .warning, route.meta,
            "\(other.meta.title) at \(other.meta.place) routes requests to \(key.hostname), too: "
              + "its rules come first",
            remedy: "Use one of the two for a service.")
        }
        need(key, because: "\(route.meta.title) routes requests to \(key.hostname)", route.meta)
      }
    }
  }

  private mutating func service(of parent: RouteObject.Parent, _ meta: ObjectMeta) -> ServiceObject? {
    let namespace = parent.namespace ?? meta.namespace
    guard let service = hosts.service(named: parent.name, in: namespace) else {
      tell(
        .unknownHost, .warning, meta, line: parent.line,
        "\(parent.path): there is no Service \(namespace)/\(parent.name)",
        remedy: "Correct its name, or add the Service.")
      return nil
    }
    guard namespace == meta.namespace else {
      tell(
        .outOfReach, .warning, meta, line: parent.line,
        "it has no effect on \(service.meta.title): waypoints follow rules of the service's namespace only",
        remedy: "Move it to the namespace \(namespace).")
      return nil
    }
    return service
  }

  /// The rules of a service's routes, in the order in which the Gateway API lets them decide. The sort is
  /// stable, so that of equals the older route's, then the earlier rule comes first.
  mutating func routeRules(_ key: ServiceKey, _ service: ServiceObject, _ waypoint: WaypointName)
    -> [RouteRule]
  {
    var ranked: [(rank: RouteRank, order: Int, rule: RouteRule)] = []
    for attached in routes[key] ?? [] {
      for written in inForce(attached.route) {
        var rule = resolve(written, of: attached.route.meta, service, waypoint)
        let rank = RouteRank(rule.matches.first)
        if let port = attached.port {
          var match = rule.matches.first ?? RequestMatch()
          match.port = port
          rule.matches = [match]
        }
        ranked.append((rank, ranked.count, rule))
      }
    }
    return ranked.sorted { $0.rank == $1.rank ? $0.order < $1.order : $0.rank > $1.rank }.map(\.rule)
  }

  private mutating func inForce(_ route: RouteObject) -> [WrittenRule] {
    guard !route.isWhole else { return route.rules }
    tell(
      .closedRoute, .error, route.meta,
      "it cannot be read whole, so requests to its services are answered \(route.noBackendStatus)",
      remedy: "Correct the errors named beside this one.")
    let nowhere = Forward(backends: [], noBackendStatus: route.noBackendStatus)
    return [
      WrittenRule(
        rule: RouteRule(origin: route.meta.title, action: .forward(nowhere)), line: route.meta.place.line)
    ]
  }

  /// Names of the Gateway API may lead to another namespace only where that permits it.
  func isPermitted(_ destination: WrittenDestination, of meta: ObjectMeta) -> Bool {
    guard let namespace = destination.namespace, namespace != meta.namespace else { return true }
    return compilation.objects.traffic.referenceGrants.contains {
      $0.meta.namespace == namespace && $0.permits(meta, service: destination.host)
    }
  }
}
