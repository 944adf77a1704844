import MeshModel

/// Turns objects into the mesh they describe. Pure: the same objects give the same mesh, in the same order.
public enum MeshCompiler {
  /// A mesh compiled with findings that prevent use is not to be used.
  public static func compile(
    _ objects: ManifestSet, options: CompileOptions = CompileOptions()
  ) -> (mesh: CompiledMesh, findings: [Finding]) {
    var compilation = Compilation(objects, options)
    compilation.compileServices()
    compilation.compileWorkloads()
    compilation.compileWanted()
    compilation.compileNames()
    compilation.checkReferences()
    compilation.checkEnrollment()
    compilation.checkReach()
    compilation.checkPlaintextCallers()
    compilation.bindings.check(&compilation.findings)
    compilation.compileTraffic()
    compilation.compileTelemetry()
    return (compilation.mesh, compilation.findings)
  }
}

/// One run of the compiler.
struct Compilation {
  let objects: ManifestSet
  let options: CompileOptions
  let namespaces: [String: NamespaceObject]
  let allocation: AddressAllocation
  /// Services by what they select, and pods by their labels: a selector never reaches into another namespace.
  let servicesBySelector: SelectorIndex<ServiceObject>
  let podLabels: PodLabels
  var bindings: PeerAuthenticationBindings
  let policies: AuthorizationPolicyBindings
  var mesh = CompiledMesh()
  var findings: [Finding] = []

  init(_ objects: ManifestSet, _ options: CompileOptions) {
    self.objects = objects
    self.options = options
    namespaces = Dictionary(objects.namespaces.map { ($0.meta.name, $0) }) { first, _ in first }
    servicesBySelector = SelectorIndex(services: objects.services)
    podLabels = PodLabels(objects)
    allocation = AddressAllocation(objects.services)
    bindings = PeerAuthenticationBindings(objects.peerAuthentications, rootNamespace: options.rootNamespace)
    policies = AuthorizationPolicyBindings(
      objects.authorizationPolicies, services: objects.services, options: options)
    findings = allocation.findings + policies.findings
    mesh.authorizations = bindings.authorizations + policies.authorizations
    mesh.requestAuthorizations = policies.wholes
    mesh.ruleOrigins = policies.origins
    mesh.requestRuleOrigins = policies.wholeOrigins
  }

  func key(of service: ServiceObject) -> ServiceKey {
    ServiceKey(
      namespace: service.meta.namespace,
      hostname: "\(service.meta.name).\(service.meta.namespace).svc.\(options.clusterDomain)")
  }

  /// The label of the pod beats that of its namespace. Pods on the host's network are never captured.
  func isEnrolled(_ labels: [String: String], _ spec: PodSpec, in namespace: String) -> Bool {
    guard !spec.usesHostNetwork else { return false }
    let mode = labels[DataplaneMode.label] ?? namespaces[namespace]?.meta.labels[DataplaneMode.label]
    return mode == DataplaneMode.ambient
  }

  mutating func compileServices() {
    for service in objects.services where service.type != .externalName {
      let ports = service.ports.filter { $0.transport == .tcp }.map { port -> PortMapping in
        switch port.target {
        case .number(let target): PortMapping(servicePort: port.port, targetPort: target)
        case .name: PortMapping(servicePort: port.port, targetPort: 0)
        }
      }
      mesh.services.append(
        Service(
          name: service.meta.name, key: key(of: service),
          addresses: allocation.addresses[service.meta.key] ?? [],
          ports: ports, includesUnhealthy: service.publishesNotReadyAddresses))
    }
  }

  mutating func compileWorkloads() {
    var owners: [IPAddress: PodObject] = [:]
    for pod in objects.pods {
      guard let status = pod.status, !status.addresses.isEmpty, !pod.hasEnded else { continue }
      guard let identity = identity(of: pod.spec, in: pod.meta.namespace) else { continue }
      if !pod.spec.usesHostNetwork, !pod.meta.isTerminating {
        for address in status.addresses {
          guard let owner = owners.updateValue(pod, forKey: address) else { continue }
          findings.append(
            pod.finding(
              .podAddressConflict, .warning, "its address \(address) is also that of \(owner.meta.title)"))
        }
      }
      mesh.workloads.append(workload(pod, status, identity))
    }
  }

  func uid(of pod: PodObject) -> String { "\(options.clusterID)//Pod/\(pod.meta.key)" }

  private func workload(_ pod: PodObject, _ status: PodStatus, _ identity: Identity) -> Workload {
    let binding = bindings.binding(namespace: pod.meta.namespace, labels: pod.meta.labels)
    let isEnrolled = isEnrolled(pod.meta.labels, pod.spec, in: pod.meta.namespace)
    let owner = pod.controllerName
    return Workload(
      uid: uid(of: pod), name: pod.meta.name,
      namespace: pod.meta.namespace, identity: identity, addresses: status.addresses, node: pod.spec.nodeName,
      workloadName: owner,
      canonicalName: pod.meta.labels.first(of: [
        "service.istio.io/canonical-name", "app.kubernetes.io/name", "app",
      ]) ?? owner,
      canonicalRevision: pod.meta.labels.first(of: [
        "service.istio.io/canonical-revision", "app.kubernetes.io/version", "version",
      ]) ?? "latest",
      tunnelProtocol: isEnrolled && binding.mode != .disable ? .hbone : .none,
      isHealthy: status.isReady && !pod.meta.isTerminating, services: ports(of: pod),
      policies: binding.policies + policies.keys(namespace: pod.meta.namespace, labels: pod.meta.labels),
      network: options.network, clusterID: options.clusterID,
      usesHostNetwork: pod.spec.usesHostNetwork)
  }

  /// The services that select the pod, each with the ports that it really has.
  private func ports(of pod: PodObject) -> [ServiceKey: [PortMapping]] {
    var ports: [ServiceKey: [PortMapping]] = [:]
    for service in servicesBySelector.selecting(pod.meta.labels, in: pod.meta.namespace) {
      ports[key(of: service)] = service.ports.filter { $0.transport == .tcp }.compactMap { port in
        pod.spec.number(of: port.target, port.transport)
          .map { PortMapping(servicePort: port.port, targetPort: $0) }
      }
    }
    return ports
  }

  mutating func compileWanted() {
    for pod in objects.pods where pod.status == nil {
      want(pod.meta, replicas: 1, labels: pod.meta.labels, annotations: pod.meta.annotations, pod.spec)
    }
    for controller in objects.controllers {
      want(
        controller.meta, replicas: controller.replicas, labels: controller.templateLabels,
        annotations: controller.templateAnnotations, controller.spec)
    }
    mesh.wanted.sort { ($0.kind, $0.key) < ($1.kind, $1.key) }
  }

  private mutating func want(
    _ meta: ObjectMeta, replicas: Int, labels: [String: String], annotations: [String: String],
    _ spec: PodSpec
  ) {
    guard let identity = identity(of: spec, in: meta.namespace) else { return }
    mesh.wanted.append(
      WantedWorkload(
        kind: meta.kind, name: meta.name, namespace: meta.namespace, replicas: replicas, labels: labels,
        annotations: annotations, spec: spec, isEnrolled: isEnrolled(labels, spec, in: meta.namespace),
        identity: identity, place: meta.place))
  }

  mutating func compileNames() {
    for service in objects.services where service.type != .externalName {
      let addresses =
        service.isHeadless ? podAddresses(of: service) : allocation.addresses[service.meta.key] ?? []
      mesh.names.append(
        ServiceNames(
          name: service.meta.name, namespace: service.meta.namespace, clusterDomain: options.clusterDomain,
          addresses: addresses))
    }
  }

  private func podAddresses(of service: ServiceObject) -> [IPAddress] {
    podLabels.selected(by: service.selector, in: service.meta.namespace).compactMap(\.pod)
      .filter { !$0.hasEnded && !$0.meta.isTerminating }
      .filter { service.publishesNotReadyAddresses || $0.status?.isReady == true }
      .flatMap { $0.status?.addresses ?? [] }
  }

  /// Names were checked when they were read; the trust domain is the operator's.
  private func identity(of spec: PodSpec, in namespace: String) -> Identity? {
    try? Identity(trustDomain: options.trustDomain, namespace: namespace, serviceAccount: spec.serviceAccount)
  }
}
