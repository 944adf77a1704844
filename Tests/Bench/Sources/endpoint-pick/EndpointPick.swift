import Bytes
import Glibc
import MeshModel
import Resilience

/// What one pick costs, with its end, at 10, 1,000 and 10,000 endpoints, by algorithm: when all are in use,
/// and when a third is ejected.
@main
struct EndpointPick {
  static let algorithms: [(name: String, algorithm: LoadBalancing.Algorithm)] = [
    ("least request", .leastRequest), ("round robin", .roundRobin), ("random", .random),
    ("ring hash", .hash(.sourceAddress, .ring(minimumSize: 1_024))),
    ("maglev", .hash(.sourceAddress, .maglev(size: 65_537))),
  ]

  static func main() {
    print("ns per pick and end of request; `update` is one changed endpoint, in microseconds\n")
    print(row("algorithm", "endpoints", "all in use", "third ejected", "update"))
    for (name, algorithm) in algorithms {
      for count in [10, 1_000, 10_000] {
        let figures = measure(algorithm, count)
        print(row(name, "\(count)", "\(figures.whole)", "\(figures.ejected)", "\(figures.update / 1_000)"))
      }
    }
  }

  static func row(_ cells: String...) -> String {
    cells.enumerated().map { index, cell in
      let space = String(repeating: " ", count: max(0, 16 - cell.utf8.count))
      return index == 0 ? cell + space : space + cell
    }.joined()
  }

  static func measure(
    _ algorithm: LoadBalancing.Algorithm, _ count: Int
  ) -> (whole: Int, ejected: Int, update: Int) {
    var policy = TrafficPolicy()
    policy.balancing.algorithm = algorithm
    policy.outliers = OutlierDetection()
    policy.outliers?.maxEjectionPercent = 33
    policy.outliers?.consecutive5xx = 1
    let balancer = Balancer(policy)
    let list = (0..<count).map { index in
      Endpoint(
        EndpointID(
          workload: "Kubernetes//Pod/production/payment-\(index)",
          address: SocketAddress(IPAddress(v4: 0x0af4_0000 + UInt32(index)), 8080)))
    }
    let now = Instant(nanoseconds: 1_000_000_000)
    var random = Generator()
    balancer.update(list, now: now, using: &random)
    func picks() -> Int {
      nanoseconds(200_000) {
        let lease = balancer.pick(hash: random.next(), now: now, using: &random)
        precondition(lease != nil)
        if let lease { lease.finish(.answered(status: 200), now: now) }
      }
    }
    let whole = picks()
    while balancer.counts.ejected < count * 33 / 100 {
      let lease = balancer.pick(hash: random.next(), now: now, using: &random)
      if let lease { lease.finish(.answered(status: 500), now: now) }
    }
    let ejected = picks()
    var isShort = false
    let update = nanoseconds(20) {
      isShort.toggle()
      balancer.update(isShort ? Array(list.dropLast()) : list, now: now, using: &random)
    }
    return (whole, ejected, update)
  }

  /// Of the processor's time, the least of five runs: what else the machine does counts little.
  static func nanoseconds(_ count: Int, _ work: () -> Void) -> Int {
    var best = Int.max
    for _ in 0..<5 {
      let start = processorTime()
      for _ in 0..<count { work() }
      best = min(best, (processorTime() - start) / count)
    }
    return best
  }

  private static func processorTime() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }

  struct Generator: RandomNumberGenerator {
    var state: UInt64 = 0x9e37_79b9_7f4a_7c15

    mutating func next() -> UInt64 {
      state ^= state >> 12
      state ^= state << 25
      state ^= state >> 27
      return state &* 0x2545_f491_4f6c_dd1d
    }
  }
}
