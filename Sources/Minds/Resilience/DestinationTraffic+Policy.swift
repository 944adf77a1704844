public import MeshModel

extension DestinationTraffic {
  /// Which endpoints, and how they are chosen and guarded.
  public struct Choice: Hashable, Sendable {
    /// For `Balancer.init`; empty for all endpoints.
    public let labels: [String: String]
    public let policy: TrafficPolicy

    public init(labels: [String: String], policy: TrafficPolicy) {
      self.labels = labels
      self.policy = policy
    }
  }

  /// What holds for a port of the service and a subset of its endpoints. What is said of the subset wins over
  /// what is said of the service, and of each what is said of the port. Nil when there is no such subset: the
  /// request cannot be sent (`ResponseFlag.noCluster`), and must not go to other endpoints.
  public func choice(port: UInt16, subset name: String?) -> Choice? {
    guard let name else {
      return Choice(labels: [:], policy: ports.first { $0.port == port }?.policy ?? policy)
    }
    guard let subset = subsets.first(where: { $0.name == name }) else { return nil }
    return Choice(
      labels: subset.labels, policy: subset.ports.first { $0.port == port }?.policy ?? subset.policy)
  }
}
