import MeshModel

/// What becomes of requests, and which waypoints see to it: one run.
struct TrafficCompilation {
  let compilation: Compilation
  let hosts: HostTable
  let destinations: DestinationRules
  let population: Population
  private(set) var needs: WaypointNeeds
  let authentications: RequestAuthentications
  private(set) var waypoints: [WaypointConfiguration] = []
  var findings: [Finding] = []
  /// Where each rule was written, by its origin.
  var places: [String: Place] = [:]
  /// Oldest first.
  var virtualServices: [ServiceKey: [VirtualServiceObject]] = [:]
  var routes: [ServiceKey: [AttachedRoute]] = [:]
  private var notEnrolled: [(service: ServiceKey, meta: ObjectMeta)] = []
  /// Told once, however many services an object speaks of.
  private var told: Set<Finding> = []
  /// Where each authorization is in the list, by key; those of the mesh; and those of all of a namespace.
  private var positions: [String: Int] = [:]
  private var ofMesh: [Int] = []
  private var ofNamespace: [String: [Int]] = [:]

  init(_ compilation: Compilation) {
    self.compilation = compilation
    let traffic = compilation.objects.traffic
    hosts = HostTable(compilation.objects.services, clusterDomain: compilation.options.clusterDomain)
    destinations = DestinationRules(
      traffic.destinationRules, hosts, rootNamespace: compilation.options.rootNamespace)
    population = Population(compilation)
    needs = WaypointNeeds(population)
    authentications = RequestAuthentications(
      compilation.objects, rootNamespace: compilation.options.rootNamespace)
    findings = authentications.findings
    for (index, authorization) in compilation.mesh.authorizations.enumerated() {
      switch authorization.scope {
      case .global: ofMesh.append(index)
      case .namespace: ofNamespace[authorization.namespace, default: []].append(index)
      case .workloadSelector: positions[authorization.key] = index
      }
    }
  }

  mutating func run() {
    attachVirtualServices()
    attachRoutes()
    checkDestinationRules()
    needs.addPolicies(compilation.policies)
    needs.addAuthentications(authentications)
    needs.addLabels(compilation.objects) { compilation.key(of: $0) }
    needs.addWishes(compilation.objects.serviceAccounts)
    needs.reportRefusals()
    findings += needs.findings
    compileWaypoints()
    reportNotEnrolled()
  }

  mutating func tell(
    _ code: FindingCode, _ severity: Finding.Severity, _ meta: ObjectMeta, line: Int? = nil,
    _ message: String,
    remedy: String = ""
  ) {
    let place = Place(file: meta.place.file, line: line ?? meta.place.line)
    let finding = Finding(
      code, severity, object: meta.title, at: place, message, remedy: remedy, isContained: severity == .error)
    if told.insert(finding).inserted { findings.append(finding) }
  }

  mutating func need(_ service: ServiceKey, because reason: String, _ meta: ObjectMeta) {
    guard population.accounts[service] != nil else { return notEnrolled.append((service, meta)) }
    needs.need(service, because: reason)
  }

  /// Of services without a waypoint of their own. A DestinationRule holds where another service's rules lead
  /// there.
  private mutating func reportNotEnrolled() {
    for (service, meta) in notEnrolled {
      let isUsed = waypoints.contains { waypoint in
        waypoint.destinations.contains { $0.service == service && $0.origin == meta.title }
      }
      guard !isUsed else { continue }
      tell(
        .trafficNotEnrolled, .warning, meta,
        "it has no effect on \(service.hostname): no pod behind it is enrolled and takes mutual TLS",
        remedy: "Label the namespace \(DataplaneMode.label): \(DataplaneMode.ambient).")
    }
  }

  // MARK: Waypoints

  private mutating func compileWaypoints() {
    var services: [WaypointName: [ServiceObject]] = [:]
    for service in compilation.objects.services where service.type != .externalName {
      let key = compilation.key(of: service)
      guard let waypoint = needs.waypoint(of: key) else { continue }
      services[waypoint, default: []].append(service)
      let accounts = population.accounts[key] ?? []
      guard accounts.count > 1 else { continue }
      let names = accounts.map(\.serviceAccount).joined(separator: ", ")
      let others = accounts.filter { $0 != waypoint && needs.reasons[$0] != nil }
      let trouble =
        others.isEmpty
        ? ""
        : "; pods of \(others.map(\.serviceAccount).joined(separator: ", ")), which have their own, refuse it"
      tell(
        .severalAccounts, .warning, service.meta,
        "its pods have several service accounts (\(names)), and \(waypoint.name) stands before it\(trouble)",
        remedy: "Give the pods behind a service one service account.")
    }
    for (waypoint, reasons) in needs.reasons.sorted(by: { $0.key.description < $1.key.description }) {
      waypoints.append(configuration(waypoint, reasons, services[waypoint] ?? []))
    }
  }

  private mutating func configuration(
    _ waypoint: WaypointName, _ reasons: [String], _ services: [ServiceObject]
  ) -> WaypointConfiguration {
    var traffic: [ServiceTraffic] = []
    var led: Set<ServiceKey> = []
    for service in services {
      let key = compilation.key(of: service)
      let one = serviceTraffic(service, key, waypoint)
      led.insert(key)
      for rule in one.rules {
        if case .forward(let forward) = rule.action { led.formUnion(forward.backends.compactMap(\.service)) }
        led.formUnion(rule.mirrors.compactMap(\.backend.service))
      }
      led.formUnion(one.connectionRules.flatMap(\.backends).compactMap(\.service))
      traffic.append(one)
    }
    var configuration = WaypointConfiguration(
      waypoint: waypoint, services: traffic.sorted { $0.service.description < $1.service.description },
      destinations: led.sorted { $0.description < $1.description }.map {
        destinations.traffic(to: $0, from: waypoint.namespace)
      },
      authorizations: authorizations(waypoint),
      authentications: authentications.authentications(
        namespace: waypoint.namespace, labels: Array(population.labelsOfAccount[waypoint] ?? [])),
      reasons: reasons)
    configuration.apply(needs.wishes[waypoint] ?? WaypointWishes())
    configuration.pathForm = compilation.options.pathForm
    return configuration
  }

  /// Everything that may bind one of the account's workloads.
  private func authorizations(_ waypoint: WaypointName) -> [Authorization] {
    var keys: Set<String> = []
    for labels in population.labelsOfAccount[waypoint] ?? [] {
      keys.formUnion(compilation.bindings.binding(namespace: waypoint.namespace, labels: labels).policies)
      keys.formUnion(compilation.policies.keys(namespace: waypoint.namespace, labels: labels))
    }
    let selected = keys.compactMap { positions[$0] }
    return (ofMesh + (ofNamespace[waypoint.namespace] ?? []) + selected).sorted().map { index in
      let authorization = compilation.mesh.authorizations[index]
      return compilation.mesh.requestAuthorizations[authorization.key] ?? authorization
    }
  }

  /// Rules are for what is read as HTTP.
  private mutating func reportUndeclared(_ service: ServiceObject) {
    let declared = Set(service.protocols.map(\.port))
    let silent = service.ports.filter { $0.transport == .tcp && !declared.contains($0.port) }.map(\.port)
    guard !silent.isEmpty else { return }
    tell(
      .undeclaredProtocol, .info, service.meta,
      "what port \(silent.map(String.init).joined(separator: ", ")) carries is not declared: it is found out "
        + "from the first bytes of each connection",
      remedy: "Name the port http-... or give it appProtocol: http.")
  }

  private mutating func serviceTraffic(
    _ service: ServiceObject, _ key: ServiceKey, _ waypoint: WaypointName
  ) -> ServiceTraffic {
    let written = virtualServices[key] ?? []
    var traffic = ServiceTraffic(service: key, protocols: service.protocols)
    for object in written { add(object, to: &traffic, service, waypoint) }
    traffic.rules += routeRules(key, service, waypoint)
    traffic.fallsThrough = traffic.rules.isEmpty
    if !traffic.rules.isEmpty { reportUndeclared(service) }
    return traffic
  }
}

extension ServiceObject {
  /// What its ports declare, by `appProtocol`, else by the beginning of their names.
  var protocols: [PortProtocol] {
    ports.filter { $0.transport == .tcp }.compactMap { port in
      let prefix = port.name.split(separator: "-", maxSplits: 1).first.map(String.init) ?? ""
      let declared = port.appProtocol.isEmpty ? prefix : port.appProtocol.lowercased()
      let isWeb = port.appProtocol.isEmpty && port.name.hasPrefix("grpc-web")
      return ApplicationProtocol(declared: isWeb ? "http" : declared).map {
        PortProtocol(port: port.port, speaks: $0)
      }
    }
  }
}

extension ApplicationProtocol {
  /// Nil for what says nothing that is known here: the protocol is found out.
  init?(declared text: String) {
    switch text {
    case "http", "grpc-web", "kubernetes.io/ws": self = .http1
    case "http2", "h2c", "kubernetes.io/h2c": self = .http2
    case "grpc": self = .grpc
    case "tcp", "https", "tls", "wss", "kubernetes.io/wss", "mongo", "mysql", "redis", "postgres": self = .tcp
    default: return nil
    }
  }
}
