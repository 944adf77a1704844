public import MeshModel

/// Where a captured connection goes, decided from its original destination alone.
public enum Route: Hashable, Sendable {
  /// Nothing of the mesh: relayed unchanged to the original destination.
  case passthrough
  /// The pod's own address: to itself, never through the mesh.
  case local
  /// A workload by its address, in a tunnel.
  case direct(Endpoint)
  /// A workload by its address that takes no tunnels: plain TCP to the endpoint's address.
  case plaintext(Endpoint)
  /// A service by a virtual address: pick an endpoint.
  case service(ServiceRoute)
  /// Through a waypoint: pick one, and if there is none, have one started and wait. Never around it.
  case waypoint(WaypointRoute)
  case refuse(RefusalReason)
}

/// One port of a service and how it was addressed; `MeshSnapshot.pick` turns it into an endpoint, of the
/// newest snapshot if the route is older.
public struct ServiceRoute: Hashable, Sendable {
  public let service: Service
  /// The port of the service, not of the workload.
  public let port: UInt16
  /// Of the virtual address; endpoints of the same family are preferred.
  public let family: IPAddress.Family

  public init(service: Service, port: UInt16, family: IPAddress.Family) {
    self.service = service
    self.port = port
    self.family = family
  }
}

/// A destination that is reached through a waypoint; `MeshSnapshot.pick` turns it into the waypoint to dial.
public struct WaypointRoute: Hashable, Sendable {
  /// The service of the waypoints.
  public let waypoint: ServiceKey
  /// What the waypoint is asked for: the address that the application dialed.
  public let destination: SocketAddress
  /// The service of that address, or its workload.
  public let service: ServiceKey?
  public let workload: Workload?

  public init(
    waypoint: ServiceKey, destination: SocketAddress, service: ServiceKey? = nil, workload: Workload? = nil
  ) {
    self.waypoint = waypoint
    self.destination = destination
    self.service = service
    self.workload = workload
  }
}

/// A workload and a port of it, with what is needed to dial and verify it. A reference to what does not
/// change, because each request and connection passes it on many times.
public struct Endpoint: Hashable, Sendable {
  private final class Facts: Sendable {
    let workload: Workload
    let address: SocketAddress
    let identities: [Identity]
    let tunnel: Workload.TunnelProtocol
    let tunnelAddress: SocketAddress

    init(
      _ workload: Workload, _ address: SocketAddress, _ identities: [Identity],
      _ tunnel: Workload.TunnelProtocol, _ tunnelAddress: SocketAddress
    ) {
      self.workload = workload
      self.address = address
      self.identities = identities
      self.tunnel = tunnel
      self.tunnelAddress = tunnelAddress
    }
  }

  private let facts: Facts

  public var workload: Workload { _read { yield facts.workload } }
  /// The workload's address and target port: the authority of the tunnel, or what is dialed in plaintext. Of
  /// a waypoint: the address that the application dialed.
  public var address: SocketAddress { facts.address }
  /// Exactly the identities acceptable there: the workload's own and the alternatives its service names.
  public var identities: [Identity] { facts.identities }
  public var tunnel: Workload.TunnelProtocol { facts.tunnel }
  /// Where the tunnel is dialed.
  public var tunnelAddress: SocketAddress { facts.tunnelAddress }

  /// The tunnel leads to a waypoint, which the address is behind.
  public var isBehindWaypoint: Bool { tunnel == .hbone && tunnelAddress.ip != address.ip }

  /// `tunnelAddress`: nil for the workload's own.
  public init(
    workload: Workload, address: SocketAddress, identities: [Identity], tunnel: Workload.TunnelProtocol,
    tunnelAddress: SocketAddress? = nil
  ) {
    facts = Facts(
      workload, address, identities, tunnel, tunnelAddress ?? SocketAddress(address.ip, MeshPort.hbone))
  }

  init(_ workload: Workload, at address: SocketAddress, alternatives: [Identity] = []) {
    self.init(
      workload: workload, address: address,
      identities: [workload.identity] + alternatives.filter { $0 != workload.identity },
      tunnel: workload.tunnelProtocol)
  }

  public static func == (one: Endpoint, other: Endpoint) -> Bool {
    one.facts === other.facts
      || one.address == other.address && one.tunnel == other.tunnel
        && one.tunnelAddress == other.tunnelAddress && one.identities == other.identities
        && one.workload == other.workload
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(address)
    hasher.combine(workload.uid)
  }
}
