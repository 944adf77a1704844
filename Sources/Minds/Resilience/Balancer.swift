public import Bytes
public import MeshModel

/// Chooses among the endpoints of one (service, port, subset), and leaves out those that fail (outlier
/// detection). It belongs to one thread. A pick takes a logarithm of the number of endpoints at most, and
/// allocates nothing.
public final class Balancer {
  private var pool: EndpointPool

  /// - Parameters:
  ///   - subset: endpoints that lack one of these labels do not belong here; empty for all.
  ///   - standpoint: where the waypoint itself is.
  public init(
    _ policy: TrafficPolicy, subset: [String: String] = [:], standpoint: Standpoint = Standpoint()
  ) {
    pool = EndpointPool(policy, subset: subset, standpoint: standpoint)
  }

  public var policy: TrafficPolicy { pool.policy }

  /// Endpoints that belong here, ready or not; those that are ready; those of them that are ejected.
  public var counts: (all: Int, ready: Int, ejected: Int) { pool.counts }

  /// So few are left (`minHealthPercent`) that ejected ones are used like any other.
  public var isPanicking: Bool { pool.isPanicking }

  /// Ejections since the start, and those that `maxEjectionPercent` or `minHealthPercent` forbade.
  public var ejections: (made: Int, forgone: Int) { (pool.ejections, pool.ejectionsForgone) }

  /// The endpoints are exactly these, as far as they belong to the subset. Those that stay keep what was
  /// learned about them and their requests under way. Takes time in proportion to the number of endpoints.
  public func update(_ list: [Endpoint], now: Instant, using random: inout some RandomNumberGenerator) {
    pool.update(list, now: now, using: &random)
  }

  /// The policy is this one from now on. Who is ejected stays so, within the policy's bounds.
  public func adopt(
    _ policy: TrafficPolicy, now: Instant, using random: inout some RandomNumberGenerator
  ) {
    pool.adopt(policy, now: now, using: &random)
  }

  /// An endpoint for one request; nil when none is ready, or all that are were ejected (which needs
  /// `maxEjectionPercent: 100`).
  ///
  /// - Parameters:
  ///   - hash: of what `HashKey` names; nil when the request has no such thing: then any endpoint.
  ///   - tried: endpoints to avoid as long as there is another one, also farther away.
  public func pick(
    hash: UInt64? = nil, excluding tried: [EndpointHandle] = [], now: Instant,
    using random: inout some RandomNumberGenerator
  ) -> Lease? {
    guard let found = pool.pick(hash: hash, excluding: tried, now: now, using: &random) else { return nil }
    return Lease(found.endpoint, found.handle, self)
  }

  /// What came of a request at an endpoint; of no effect when the endpoint is gone. Called by `Lease.finish`,
  /// and for what happens when no lease is held.
  public func observe(_ observation: Observation, of handle: EndpointHandle, now: Instant) {
    pool.observe(observation, of: handle, now: now)
  }

  /// Requests under way at an endpoint; 0 for one that is gone.
  public func active(at handle: EndpointHandle) -> Int { pool.active(at: handle) }

  /// Is it ejected, also while that is not heeded; false for one that is gone.
  public func isEjected(_ handle: EndpointHandle) -> Bool { pool.isEjected(handle) }

  func release(_ handle: EndpointHandle) { pool.release(handle) }
}
