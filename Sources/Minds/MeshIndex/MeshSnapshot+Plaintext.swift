public import MeshModel

extension MeshSnapshot {
  /// Why `dialer` may not dial the endpoint in plain TCP, as the mesh is known now; nil when it may. An
  /// endpoint that was picked may be older: who was enrolled since, or whose address is another's by now, is
  /// not dialed. Who is behind a waypoint is dialed by that waypoint alone.
  public func plaintextFault(of endpoint: Endpoint, from dialer: Identity) -> String? {
    let address = endpoint.address
    guard !MeshPort.isReserved(address.port) else { return "port \(address.port) is the mesh's own" }
    guard isSynced, let workload = workload(uid: endpoint.workload.uid) else {
      return "\(endpoint.workload.name) is not known any more"
    }
    guard endpoint.tunnel == .none, workload.tunnelProtocol == .none else {
      return "\(workload.name) takes tunnels, and is not dialed in plaintext"
    }
    guard workload.addresses.contains(address.ip) else {
      return "\(address.ip) is no address of \(workload.name) any more"
    }
    // Nobody is found by the address of a node, which those that share it are dialed at.
    if let owner = self.workload(at: address.ip), owner.uid != workload.uid {
      return "\(address.ip) is the address of \(owner.name) now"
    }
    if let waypoint = workload.waypoint, !identities(ofWaypoint: waypoint).contains(dialer) {
      return "\(workload.name) is behind another waypoint"
    }
    return nil
  }
}
