import FoundationEssentials
import MeshAPI
import MeshModel
import SwiftProtobuf

extension Istio_Workload_Workload {
  init(_ workload: Workload) {
    self.init()
    uid = workload.uid
    name = workload.name
    namespace = workload.namespace
    addresses = workload.addresses.map { Data($0.bytes) }
    network = workload.network
    tunnelProtocol = workload.tunnelProtocol == .hbone ? .hbone : .none
    trustDomain = workload.identity.trustDomain.name
    serviceAccount = workload.identity.serviceAccount
    node = workload.node
    canonicalName = workload.canonicalName
    canonicalRevision = workload.canonicalRevision
    workloadType = .pod
    workloadName = workload.workloadName
    authorizationPolicies = workload.policies
    status = workload.isHealthy ? .healthy : .unhealthy
    clusterID = workload.clusterID
    if let service = workload.waypoint { waypoint = Istio_Workload_GatewayAddress(service) }
    subsetLabels = workload.subsetLabels
    requestAuthentications = workload.authentications
    if workload.locality != Workload.Locality() {
      locality = Istio_Workload_Locality.with {
        $0.region = workload.locality.region
        $0.zone = workload.locality.zone
        $0.subzone = workload.locality.subzone
      }
    }
    for (key, ports) in workload.services {
      services[key.description] = Istio_Workload_PortList.with {
        $0.ports = ports.map(Istio_Workload_Port.init)
      }
    }
  }

  /// The model value; absent texts take the defaults of the ecosystem (cluster.local, default, Kubernetes).
  func model() throws -> Workload {
    guard !uid.isEmpty else { throw Unreadable("a workload without uid") }
    var services: [ServiceKey: [PortMapping]] = [:]
    for (text, list) in self.services {
      guard let key = ServiceKey(text) else {
        throw Unreadable("\(text.debugDescription) is not namespace/hostname")
      }
      services[key] = try list.ports.map { try $0.model() }
    }
    var workload = Workload(
      uid: uid, name: name, namespace: namespace,
      identity: try identity(trustDomain: trustDomain, namespace: namespace, serviceAccount: serviceAccount),
      addresses: try addresses.map(address),
      node: node, workloadName: workloadName, canonicalName: canonicalName,
      canonicalRevision: canonicalRevision,
      tunnelProtocol: try tunnel(), isHealthy: status != .unhealthy, services: services,
      policies: authorizationPolicies, network: network,
      clusterID: clusterID.isEmpty ? "Kubernetes" : clusterID)
    workload.waypoint = try hasWaypoint ? waypoint.model() : nil
    workload.subsetLabels = subsetLabels
    workload.authentications = requestAuthentications
    workload.locality.region = locality.region
    workload.locality.zone = locality.zone
    workload.locality.subzone = locality.subzone
    return workload
  }

  private func tunnel() throws(Unreadable) -> Workload.TunnelProtocol {
    switch tunnelProtocol {
    case .none: .none
    case .hbone: .hbone
    case .legacyIstioMtls: throw Unreadable("the tunnel protocol LEGACY_ISTIO_MTLS is not supported")
    case .UNRECOGNIZED(let value): throw Unreadable("unknown tunnel protocol \(value)")
    }
  }
}

extension Istio_Workload_GatewayAddress {
  init(_ service: ServiceKey) {
    self.init()
    hostname = Istio_Workload_NamespacedHostname.with {
      $0.namespace = service.namespace
      $0.hostname = service.hostname
    }
    hboneMtlsPort = UInt32(MeshPort.hbone)
  }

  /// The service of waypoints. A waypoint known by its address alone is refused: nobody could say which
  /// identity to expect there.
  func model() throws(Unreadable) -> ServiceKey {
    guard case .hostname(let name) = destination, !name.namespace.isEmpty, !name.hostname.isEmpty else {
      throw Unreadable("a waypoint that is not named by namespace and hostname")
    }
    guard hboneMtlsPort == UInt32(MeshPort.hbone) else {
      throw Unreadable("a waypoint at port \(hboneMtlsPort), and only \(MeshPort.hbone) is supported")
    }
    return ServiceKey(namespace: name.namespace, hostname: name.hostname)
  }
}

extension Istio_Workload_Port {
  init(_ mapping: PortMapping) {
    self.init()
    servicePort = UInt32(mapping.servicePort)
    targetPort = UInt32(mapping.targetPort)
  }

  func model() throws(Unreadable) -> PortMapping {
    PortMapping(servicePort: try port(servicePort), targetPort: try port(targetPort))
  }
}

/// An address of the wire: 4 or 16 bytes.
func address(_ bytes: Data) throws(Unreadable) -> IPAddress {
  guard let address = IPAddress(bytes: bytes) else { throw Unreadable("an address of \(bytes.count) bytes") }
  return address
}

/// The identity of the wire's three texts; those left out take the ecosystem's defaults.
func identity(trustDomain: String, namespace: String, serviceAccount: String) throws(Unreadable) -> Identity {
  do throws(IdentityError) {
    return try Identity(
      trustDomain: trustDomain.isEmpty ? .clusterLocal : TrustDomain(trustDomain), namespace: namespace,
      serviceAccount: serviceAccount.isEmpty ? "default" : serviceAccount)
  } catch {
    throw Unreadable(error.description)
  }
}

/// The identity of a SPIFFE id.
func identity(spiffe text: String) throws(Unreadable) -> Identity {
  do throws(IdentityError) {
    return try Identity(spiffe: text)
  } catch {
    throw Unreadable(error.description)
  }
}
