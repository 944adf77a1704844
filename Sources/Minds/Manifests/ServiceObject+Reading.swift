import MeshModel

extension ServiceObject {
  init?(reading object: Section, meta: ObjectMeta) {
    self.init(meta: meta)
    guard let spec = object.section("spec") else {
      if !object.has("spec") { object.missing("spec") }
      return nil
    }
    spec.expectOnly(Self.readFields, unused: Self.unusedFields)
    if let text = spec.string("type") {
      guard let type = ServiceType(rawValue: text) else {
        spec.invalid("type", "\(text.debugDescription) is not a type of service")
        return nil
      }
      self.type = type
    }
    readAddresses(spec)
    readFamilies(spec)
    ports = spec.sections("ports").compactMap { Port(reading: $0) }
    reportRepeatedPorts(spec)
    selector = spec.stringMap("selector")
    publishesNotReadyAddresses = spec.boolean("publishNotReadyAddresses") ?? false
    if spec.string("sessionAffinity") == "ClientIP" {
      spec.unsupported("sessionAffinity", "every connection picks an endpoint at random")
    }
    if spec.string("internalTrafficPolicy") == "Local" {
      spec.unsupported("internalTrafficPolicy", "endpoints on every node are used")
    }
  }

  private static let readFields: Set<String> = [
    "type", "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "ports", "selector",
    "publishNotReadyAddresses", "sessionAffinity", "internalTrafficPolicy",
  ]
  private static let unusedFields: Set<String> = [
    "externalName", "externalIPs", "externalTrafficPolicy", "healthCheckNodePort", "loadBalancerIP",
    "loadBalancerClass", "loadBalancerSourceRanges", "allocateLoadBalancerNodePorts", "sessionAffinityConfig",
    "trafficDistribution",
  ]

  private mutating func readAddresses(_ spec: Section) {
    var texts = spec.strings("clusterIPs")
    if let first = spec.string("clusterIP"), !texts.contains(first) { texts.insert(first, at: 0) }
    for text in texts where !text.isEmpty {
      if text == "None" {
        isHeadless = true
      } else if let address = IPAddress(text) {
        clusterIPs.append(address)
      } else {
        let key = spec.has("clusterIP") ? "clusterIP" : "clusterIPs"
        spec.invalid(key, "\(text.debugDescription) is neither an IP address nor None")
      }
    }
  }

  /// Both families unless the manifest asks for one: the mesh's own virtual addresses cost nothing.
  private mutating func readFamilies(_ spec: Section) {
    let policy = spec.string("ipFamilyPolicy")
    let listed = spec.strings("ipFamilies").compactMap { text -> IPAddress.Family? in
      switch text {
      case "IPv4": return .v4
      case "IPv6": return .v6
      default:
        spec.invalid("ipFamilies", "names \(text.debugDescription), which is neither IPv4 nor IPv6")
        return nil
      }
    }
    switch policy {
    case "SingleStack": families = [listed.first ?? .v4]
    case nil where !listed.isEmpty: families = listed
    case nil, "PreferDualStack", "RequireDualStack": break
    case .some(let text): spec.invalid("ipFamilyPolicy", "\(text.debugDescription) is not a policy")
    }
  }

  private func reportRepeatedPorts(_ spec: Section) {
    for (index, port) in ports.enumerated()
    where ports[..<index].contains(where: { $0.port == port.port && $0.transport == port.transport }) {
      spec.invalid("ports", "has port \(port.port) twice")
    }
  }
}

extension ServiceObject.Port {
  init?(reading section: Section) {
    section.expectOnly(["name", "protocol", "port", "targetPort", "appProtocol"], unused: ["nodePort"])
    guard section.has("port") else {
      section.missing("port")
      return nil
    }
    guard let port = section.portNumber("port") else { return nil }
    let target = section.targetPort("targetPort")
    if target == nil, section.has("targetPort") { return nil }
    self.init(
      name: section.string("name") ?? "", transport: section.transport("protocol"), port: port,
      target: target ?? .number(port))
    appProtocol = section.string("appProtocol") ?? ""
  }
}

extension Section {
  func portNumber(_ key: String) -> UInt16? {
    integer(key, in: 1...65535).map { UInt16($0) }
  }

  func transport(_ key: String) -> TransportProtocol {
    guard let text = string(key) else { return .tcp }
    guard let transport = TransportProtocol(rawValue: text) else {
      invalid(key, "\(text.debugDescription) is none of TCP, UDP and SCTP")
      return .tcp
    }
    return transport
  }

  /// A number or a name (Kubernetes IntOrString).
  func targetPort(_ key: String) -> TargetPort? {
    guard let node = value(key) else { return nil }
    if case .scalar(let text, isPlain: true) = node.content, Int(text) != nil {
      return portNumber(key).map { .number($0) }
    }
    guard let name = string(key) else { return nil }
    guard Int(name) == nil else {
      invalid(
        key, "\(name.debugDescription) is text, and so the name of a port", remedy: "Remove the quotes.")
      return nil
    }
    return .name(name)
  }
}
