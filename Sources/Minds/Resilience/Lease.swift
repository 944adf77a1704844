public import Bytes

/// One request at an endpoint: it counts as under way until this ends, by `finish` or by being dropped.
public struct Lease: ~Copyable {
  public let endpoint: Endpoint
  public let handle: EndpointHandle
  private let balancer: Balancer

  init(_ endpoint: Endpoint, _ handle: EndpointHandle, _ balancer: Balancer) {
    self.endpoint = endpoint
    self.handle = handle
    self.balancer = balancer
  }

  /// The end of the request, with what it says about the endpoint. To drop the lease instead says nothing:
  /// when the client left, or when the failure was ours.
  public consuming func finish(_ observation: Observation, now: Instant) {
    balancer.observe(observation, of: handle, now: now)
  }

  deinit { balancer.release(handle) }
}
