import FoundationEssentials
import MeshAPI
import MeshModel
import SwiftProtobuf

extension Istio_Workload_Service {
  init(_ service: Service) {
    self.init()
    name = service.name
    namespace = service.namespace
    hostname = service.hostname
    addresses = service.addresses.map { ip in
      Istio_Workload_NetworkAddress.with { $0.address = Data(ip.bytes) }
    }
    ports = service.ports.map(Istio_Workload_Port.init)
    subjectAltNames = service.subjectAltNames.map(\.description)
    canonical = true
    if let key = service.waypoint { waypoint = Istio_Workload_GatewayAddress(key) }
    if service.includesUnhealthy {
      loadBalancing = Istio_Workload_LoadBalancing.with { $0.healthPolicy = .allowAll }
    }
  }

  func model() throws -> Service {
    guard !namespace.isEmpty, !hostname.isEmpty else {
      throw Unreadable("a service without namespace or hostname")
    }
    var service = Service(
      name: name, key: ServiceKey(namespace: namespace, hostname: hostname),
      addresses: try addresses.map { try $0.model() }, ports: try ports.map { try $0.model() },
      subjectAltNames: try subjectAltNames.map(identity(spiffe:)),
      includesUnhealthy: loadBalancing.healthPolicy == .allowAll)
    service.waypoint = try hasWaypoint ? waypoint.model() : nil
    return service
  }
}

extension Istio_Workload_NetworkAddress {
  /// A whole address; ranges of virtual addresses are not supported, and said so rather than half applied.
  func model() throws(Unreadable) -> IPAddress {
    let ip = try MeshCodec.address(address)
    if hasLength, Int(length) != address.count * 8 {
      throw Unreadable("the address range \(ip)/\(length) is not supported")
    }
    return ip
  }
}
