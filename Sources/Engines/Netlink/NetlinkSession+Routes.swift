import CMnl
import MeshModel

extension NetlinkSession {
  /// Adds a route, replacing one to the same destination in the same table.
  public func addRoute(_ route: Route) throws(NetlinkError) {
    var request = NetlinkRequest(type: Int(RTM_NEWROUTE), flags: creation(replacing: true))
    try fill(&request, route)
    try change(request, "add the route to \(route.destination)")
  }

  /// Deletes a route; false when there was none.
  @discardableResult
  public func deleteRoute(_ route: Route) throws(NetlinkError) -> Bool {
    var request = NetlinkRequest(type: Int(RTM_DELROUTE), flags: Int(NLM_F_ACK))
    try fill(&request, route)
    return try change(request, accepting: ESRCH, operation: "delete the route to \(route.destination)")
  }

  private func fill(_ request: inout NetlinkRequest, _ route: Route) throws(NetlinkError) {
    let isLocal = route.kind == .local
    // IPv4 wants the scope to say how far the next hop is; IPv6 ignores it.
    let scope = isLocal ? RT_SCOPE_HOST : route.gateway == nil ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE
    request.append([
      route.destination.address.familyNumber, UInt8(route.destination.length), 0, 0,
      UInt8(route.table < 256 ? route.table : 0), UInt8(RTPROT_STATIC), UInt8(scope.rawValue),
      UInt8(isLocal ? RTN_LOCAL : RTN_UNICAST), 0, 0, 0, 0,
    ])
    request.attribute(Int(RTA_TABLE.rawValue), route.table)
    if route.destination.length > 0 {
      request.attribute(Int(RTA_DST.rawValue), route.destination.address.bytes)
    }
    if let gateway = route.gateway { request.attribute(Int(RTA_GATEWAY.rawValue), gateway.bytes) }
    if let link = route.link { request.attribute(Int(RTA_OIF.rawValue), try index(of: link)) }
  }
}
