public import MeshModel

/// Which endpoint: a workload and where it is dialed. An address alone would not do, because addresses are
/// given to other workloads, who must not inherit what was learned.
public struct EndpointID: Hashable, Sendable {
  /// `Workload.uid`.
  public var workload: String
  public var address: SocketAddress

  public init(workload: String, address: SocketAddress) {
    self.workload = workload
    self.address = address
  }
}

/// One (workload, port) behind a service, as the mesh knows it. Immutable and shared, so that a pick copies
/// one reference.
public final class Endpoint: Sendable {
  /// Keeps sums of weights far from overflow; larger weights are taken for this.
  public static let maximumWeight = 1_000_000

  public let id: EndpointID
  /// The share relative to others; from 1 to `maximumWeight`.
  public let weight: Int
  /// What subsets and `failoverPriority` compare (`Workload.subsetLabels`).
  public let labels: [String: String]
  public let locality: Workload.Locality
  /// The control plane says that it may get requests. One that is not ready gets none, however few are left.
  public let isReady: Bool
  /// The same in every process, so that all waypoints find the same endpoint for the same hash.
  let digest: UInt64

  public init(
    _ id: EndpointID, weight: Int = 1, labels: [String: String] = [:],
    locality: Workload.Locality = Workload.Locality(), isReady: Bool = true
  ) {
    self.id = id
    self.weight = min(max(weight, 1), Self.maximumWeight)
    self.labels = labels
    self.locality = locality
    self.isReady = isReady
    var digest = StableHash()
    digest.combine(id.workload.utf8)
    digest.combine(id.address.ip)
    digest.combine(UInt64(id.address.port))
    self.digest = digest.value
  }
}

/// An endpoint in one balancer, as long as it stays there: afterwards the handle stands for nobody, also when
/// its place is taken by another.
public struct EndpointHandle: Hashable, Sendable {
  let slot: UInt32
  let generation: UInt32
}
