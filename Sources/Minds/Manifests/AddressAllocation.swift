import MeshModel

/// Gives every service its virtual addresses, in an order that does not depend on the files: written
/// addresses first, then by name. A service whose place is taken moves to the next candidate.
struct AddressAllocation {
  private(set) var addresses: [String: [IPAddress]] = [:]
  private(set) var findings: [Finding] = []
  private var owners: [IPAddress: ServiceObject] = [:]

  /// Far more than a range of a million addresses needs.
  private static let attempts = 64

  init(_ services: [ServiceObject]) {
    let services = services.filter { $0.type != .externalName }.sorted { $0.meta.key < $1.meta.key }
    for service in services where !service.clusterIPs.isEmpty { adopt(service) }
    for service in services where service.clusterIPs.isEmpty && !service.isHeadless { choose(service) }
  }

  private mutating func adopt(_ service: ServiceObject) {
    for address in service.clusterIPs {
      if let owner = owners[address] {
        findings.append(
          service.finding(
            .addressConflict, .error, "its address \(address) is also that of \(owner.meta.title)",
            remedy: "Give one of them another clusterIP, or none."))
      } else {
        owners[address] = service
        addresses[service.meta.key, default: []].append(address)
      }
    }
  }

  private mutating func choose(_ service: ServiceObject) {
    for attempt in 0..<Self.attempts {
      let v4 = VirtualAddresses.candidate(service.addressKey, attempt: attempt)
      let v6 = VirtualAddresses.companion(of: v4)
      let taken = owners[v4] ?? owners[v6]
      guard taken == nil else {
        if let taken, attempt == 0 { reportMove(service, from: v4, of: taken) }
        continue
      }
      owners[v4] = service
      owners[v6] = service
      addresses[service.meta.key] = service.families.map { $0 == .v4 ? v4 : v6 }
      return
    }
    findings.append(
      service.finding(
        .addressConflict, .error, "no virtual address is left for it", remedy: "Set spec.clusterIP."))
  }

  private mutating func reportMove(_ service: ServiceObject, from address: IPAddress, of owner: ServiceObject)
  {
    findings.append(
      service.finding(
        .addressConflict, .warning,
        "the address of its name, \(address), is that of \(owner.meta.title), so it has another, "
          + "which changes if that service goes",
        remedy: "Set spec.clusterIP to keep one address."))
  }
}
