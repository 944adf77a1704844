import MeshModel

@testable import MeshIndex

struct Unreadable: Error {}

func ip(_ text: String) throws -> IPAddress {
  guard let address = IPAddress(text) else { throw Unreadable() }
  return address
}

func socket(_ text: String) throws -> SocketAddress {
  guard let address = SocketAddress(text) else { throw Unreadable() }
  return address
}

func serviceKey(_ name: String, _ namespace: String = "production") -> ServiceKey {
  ServiceKey(namespace: namespace, hostname: "\(name).\(namespace).svc.cluster.local")
}

func service(
  _ name: String, _ namespace: String = "production", at addresses: [String],
  ports: [(UInt16, UInt16)] = [(80, 8080)]
) throws -> Service {
  Service(
    name: name, key: serviceKey(name, namespace), addresses: try addresses.map(ip),
    ports: ports.map { PortMapping(servicePort: $0, targetPort: $1) })
}

func workload(
  _ name: String, _ namespace: String = "production", at addresses: [String],
  _ tunnel: Workload.TunnelProtocol = .hbone, backs services: [String: [(UInt16, UInt16)]] = [:],
  isHealthy: Bool = true, policies: [String] = []
) throws -> Workload {
  Workload(
    uid: "Kubernetes//Pod/\(namespace)/\(name)", name: name, namespace: namespace,
    identity: try Identity(trustDomain: .clusterLocal, namespace: namespace, serviceAccount: "\(name)-sa"),
    addresses: try addresses.map(ip), tunnelProtocol: tunnel, isHealthy: isHealthy,
    services: Dictionary(
      uniqueKeysWithValues: services.map { name, ports in
        (serviceKey(name, namespace), ports.map { PortMapping(servicePort: $0, targetPort: $1) })
      }),
    policies: policies)
}

/// A state whose first delivery is complete.
func delivered(_ fill: (inout MeshState) throws -> Void = { _ in }) throws -> MeshState {
  var state = MeshState()
  try fill(&state)
  state.markAddressesDelivered()
  state.markAuthorizationsDelivered()
  return state
}

/// SplitMix64: the same numbers on every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
