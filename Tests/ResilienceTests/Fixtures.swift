import Bytes
import MeshModel

@testable import Resilience

/// SplitMix64 by another name, so that tests and code do not draw the same numbers.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed | 1 }

  /// Xorshift64*.
  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_f491_4f6c_dd1d
  }
}

func endpoint(
  _ number: Int, weight: Int = 1, labels: [String: String] = [:], at locality: String = "",
  isReady: Bool = true
) -> Endpoint {
  Endpoint(
    EndpointID(workload: "pod-\(number)", address: SocketAddress(IPAddress(v4: UInt32(number)), 8080)),
    weight: weight, labels: labels, locality: place(locality), isReady: isReady)
}

func endpoints(_ count: Int) -> [Endpoint] { (0..<count).map { endpoint($0) } }

/// `region/zone/subzone`.
func place(_ text: String) -> Workload.Locality {
  let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init) + ["", "", ""]
  var locality = Workload.Locality()
  (locality.region, locality.zone, locality.subzone) = (parts[0], parts[1], parts[2])
  return locality
}

func policy(
  _ algorithm: LoadBalancing.Algorithm = .leastRequest, outliers: OutlierDetection? = nil,
  _ change: (inout LoadBalancing) -> Void = { _ in }
) -> TrafficPolicy {
  var policy = TrafficPolicy()
  policy.balancing.algorithm = algorithm
  policy.balancing.locality = .off
  policy.outliers = outliers
  change(&policy.balancing)
  return policy
}

func outliers(_ change: (inout OutlierDetection) -> Void = { _ in }) -> OutlierDetection {
  var rule = OutlierDetection()
  change(&rule)
  return rule
}

func after(_ seconds: Double) -> Instant {
  Instant(nanoseconds: 1_000_000_000_000 + UInt64(seconds * 1_000_000_000))
}

/// A balancer with its own time and dice.
final class Bench {
  let balancer: Balancer
  var random: Seeded
  var now = after(0)

  init(_ policy: TrafficPolicy, _ list: [Endpoint], standpoint: Standpoint = Standpoint(), seed: UInt64 = 1) {
    balancer = Balancer(policy, standpoint: standpoint)
    random = Seeded(seed)
    balancer.update(list, now: now, using: &random)
  }

  func update(_ list: [Endpoint]) { balancer.update(list, now: now, using: &random) }

  /// One request that ends at once; the name of the workload that got it, and its handle.
  func request(
    hash: UInt64? = nil, excluding tried: [EndpointHandle] = [], _ observation: Observation? = nil
  ) -> (name: String, handle: EndpointHandle)? {
    guard let lease = balancer.pick(hash: hash, excluding: tried, now: now, using: &random) else {
      return nil
    }
    let picked = (lease.endpoint.id.workload, lease.handle)
    if let observation { lease.finish(observation, now: now) }
    return picked
  }

  /// One request that is under way until what is returned is dropped.
  func hold() -> Held? {
    guard let lease = balancer.pick(now: now, using: &random) else { return nil }
    return Held(lease)
  }

  /// How many of `count` requests each workload gets, none of which overlaps another.
  func shares(_ count: Int) -> [String: Int] {
    var shares: [String: Int] = [:]
    for _ in 0..<count { if let name = request()?.name { shares[name, default: 0] += 1 } }
    return shares
  }

  /// Requests until `endpoint` has been answered so often, one after the other.
  func fail(_ handle: EndpointHandle, times: Int, _ observation: Observation = .answered(status: 500)) {
    for _ in 0..<times { balancer.observe(observation, of: handle, now: now) }
  }

  /// Handles by workload, from as many picks as it takes.
  func handles(_ count: Int) -> [String: EndpointHandle] {
    var handles: [String: EndpointHandle] = [:]
    for _ in 0..<count * 200 where handles.count < count {
      if let picked = request() { handles[picked.name] = picked.handle }
    }
    return handles
  }
}

/// A request under way, where a test needs several.
final class Held {
  let name: String
  let handle: EndpointHandle
  private var lease: Lease?

  init(_ lease: consuming Lease) {
    name = lease.endpoint.id.workload
    handle = lease.handle
    self.lease = consume lease
  }

  func finish(_ observation: Observation, now: Instant) {
    if let lease = lease.take() { lease.finish(observation, now: now) }
  }
}

/// Pearson's statistic of counts against the shares that are expected.
func chiSquare(_ counts: [Int], _ shares: [Double]) -> Double {
  let total = Double(counts.reduce(0, +))
  return zip(counts, shares).reduce(0) { sum, entry in
    let expected = total * entry.1
    return sum + (Double(entry.0) - expected) * (Double(entry.0) - expected) / expected
  }
}
