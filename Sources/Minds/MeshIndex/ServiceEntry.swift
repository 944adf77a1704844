import MeshModel

/// A service and its usable endpoints by port, ready to pick from.
final class ServiceEntry: Sendable {
  let service: Service
  private let ports: [PortTable]
  /// Its endpoints as waypoints, when it declares the port of tunnels.
  let waypoints: PortTable?
  /// Usable or not.
  let members: [WorkloadEntry]
  /// Workloads that back it, usable or not.
  let endpointCount: Int
  /// Those that are used: all of them with `publishNotReadyAddresses`.
  let usableCount: Int

  init(_ service: Service, members: [WorkloadEntry]) {
    self.service = service
    let usable = members.filter { $0.workload.isHealthy || service.includesUnhealthy }
    self.members = members
    endpointCount = members.count
    usableCount = usable.count
    ports = service.ports.map { PortTable($0, of: service.key, usable) }
    let takesTunnels = service.ports.contains { $0.servicePort == MeshPort.hbone }
    // Without a list of identities anybody who gets behind the service could be the waypoint: then it is
    // nobody.
    let accepted = usable.filter { service.subjectAltNames.contains($0.workload.identity) }
    waypoints = takesTunnels ? PortTable(tunnelsOf: accepted) : nil
  }

  func table(for port: UInt16) -> PortTable? { ports.first { $0.servicePort == port } }
}

/// The usable endpoints of one port of a service, by the family of the address they are dialed at.
struct PortTable: Sendable {
  let servicePort: UInt16
  private let v4: [Slot]
  private let v6: [Slot]

  struct Slot: Sendable {
    let entry: WorkloadEntry
    let port: UInt16

    func address(_ family: IPAddress.Family) -> SocketAddress? {
      entry.workload.addresses.first { $0.family == family }.map { SocketAddress($0, port) }
    }
  }

  init(_ mapping: PortMapping, of key: ServiceKey, _ members: [WorkloadEntry]) {
    servicePort = mapping.servicePort
    let slots = members.compactMap { entry -> Slot? in
      let own = entry.workload.services[key]?.first { $0.servicePort == mapping.servicePort }
      // Zero means per-endpoint, and this endpoint does not say. A port of the mesh would loop.
      let port = own?.targetPort ?? mapping.targetPort
      return port == 0 || MeshPort.isReserved(port) ? nil : Slot(entry: entry, port: port)
    }
    v4 = slots.filter { $0.address(.v4) != nil }
    v6 = slots.filter { $0.address(.v6) != nil }
  }

  /// Workloads that take tunnels, by where they take them.
  init(tunnelsOf members: [WorkloadEntry]) {
    servicePort = MeshPort.hbone
    let slots = members.filter { $0.workload.tunnelProtocol == .hbone }.map {
      Slot(entry: $0, port: MeshPort.hbone)
    }
    v4 = slots.filter { $0.address(.v4) != nil }
    v6 = slots.filter { $0.address(.v6) != nil }
  }

  /// Each endpoint once.
  var all: [(slot: Slot, address: SocketAddress)] {
    let first = v4.compactMap { slot in slot.address(.v4).map { (slot, $0) } }
    let rest = v6.filter { $0.address(.v4) == nil }.compactMap { slot in slot.address(.v6).map { (slot, $0) }
    }
    return first + rest
  }

  var isEmpty: Bool { v4.isEmpty && v6.isEmpty }

  /// One of the endpoints whose address is not excluded, all equally likely; of the family if there is one.
  func pick(
    _ family: IPAddress.Family, excluding: [SocketAddress], using random: inout some RandomNumberGenerator
  ) -> (slot: Slot, address: SocketAddress)? {
    let other: IPAddress.Family = family == .v4 ? .v6 : .v4
    return Self.pick(slots(family), family, excluding, &random)
      ?? Self.pick(slots(other), other, excluding, &random)
  }

  /// The endpoint whose turn it is, or the next one whose address is not excluded; of the family if there is
  /// one.
  func pick(
    _ family: IPAddress.Family, excluding: [SocketAddress], turn: UInt
  ) -> (slot: Slot, address: SocketAddress)? {
    for family in [family, family == .v4 ? .v6 : .v4] {
      let slots = slots(family)
      guard !slots.isEmpty else { continue }
      let first = Int(turn % UInt(slots.count))
      for slot in slots[first...] + slots[..<first] {
        if let address = slot.address(family), !excluding.contains(address) { return (slot, address) }
      }
    }
    return nil
  }

  private func slots(_ family: IPAddress.Family) -> [Slot] { family == .v4 ? v4 : v6 }

  private static func pick(
    _ slots: [Slot], _ family: IPAddress.Family, _ excluded: [SocketAddress],
    _ random: inout some RandomNumberGenerator
  ) -> (slot: Slot, address: SocketAddress)? {
    guard !slots.isEmpty else { return nil }
    // With few excluded, a blind draw mostly hits: constant work whatever the number of endpoints.
    for _ in 0..<4 {
      let slot = slots[Int.random(in: 0..<slots.count, using: &random)]
      if let address = slot.address(family), !excluded.contains(address) { return (slot, address) }
    }
    let left = slots.reduce(0) { $0 + (isFree($1, family, excluded) ? 1 : 0) }
    guard left > 0 else { return nil }
    var skip = Int.random(in: 0..<left, using: &random)
    for slot in slots where isFree(slot, family, excluded) {
      if skip == 0, let address = slot.address(family) { return (slot, address) }
      skip -= 1
    }
    return nil
  }

  private static func isFree(_ slot: Slot, _ family: IPAddress.Family, _ excluded: [SocketAddress]) -> Bool {
    slot.address(family).map { !excluded.contains($0) } ?? false
  }
}
