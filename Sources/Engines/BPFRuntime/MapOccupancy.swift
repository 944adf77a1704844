import CBPF

/// How full one of the capture maps is.
public struct MapOccupancy: Hashable, Sendable {
  public let map: String
  public let entries: Int
  /// When reached: `pods` and `inbound` refuse another pod; `flows` forgets its oldest entry, whose
  /// connection the agent then refuses; `host_flows` likewise, whose connection, if it is still opening, is
  /// judged like anybody's.
  public let limit: Int
}

extension Capture {
  /// The occupancy of the maps that have a limit. Walks them: for a page asked for now and then, not for each
  /// connection.
  public func occupancy() -> [MapOccupancy] {
    let (podLimit, flowLimit) = (Int(options.podLimit), Int(options.flowLimit))
    return [
      MapOccupancy(map: "pods", entries: pods.keys(from: UInt64(0), limit: podLimit).count, limit: podLimit),
      MapOccupancy(
        map: "inbound", entries: inbound.keys(from: capture_address(), limit: 2 * podLimit).count,
        limit: 2 * podLimit),
      MapOccupancy(
        map: "flows", entries: flows.keys(from: capture_flow(), limit: flowLimit).count, limit: flowLimit),
      MapOccupancy(
        map: "host_flows", entries: hostFlows.keys(from: capture_host_flow(), limit: flowLimit).count,
        limit: flowLimit),
    ]
  }
}
