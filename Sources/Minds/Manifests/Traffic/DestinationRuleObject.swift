import MeshModel

/// How the endpoints of a host are chosen and guarded (`networking.istio.io` DestinationRule), as written.
public struct DestinationRuleObject: ManifestObject {
  public var meta: ObjectMeta
  /// A service's name, in the rule's namespace or whole, or a pattern that begins with `*`.
  var host = ""
  var hostLine = 0
  var policy: WrittenPolicy?
  var subsets: [WrittenSubset] = []
  var exportTo: [String] = []
  /// Every part could be read; what could not be is not in force.
  public var isWhole = true

  public init(meta: ObjectMeta) { self.meta = meta }
}

/// An element of `subsets`.
struct WrittenSubset: Hashable, Sendable {
  var name: String
  var labels: [String: String]
  var policy: WrittenPolicy?
  var line: Int
}

/// `trafficPolicy`: what is nil was not said.
struct WrittenPolicy: Hashable, Sendable {
  var balancing: LoadBalancing?
  var pool: ConnectionPool?
  var outliers: OutlierDetection?
  var retryBudget: RetryBudget?
  var tls: WrittenTLS?
  /// `portLevelSettings`, which have none of their own.
  var ports: [UInt16: WrittenPolicy] = [:]

  /// It says something that only who picks endpoints can do.
  var isForWaypoint: Bool {
    balancing != nil || pool != nil || outliers != nil || retryBudget != nil || tls?.origination != nil
      || ports.values.contains(where: \.isForWaypoint)
  }

  /// Defaults filled in.
  var resolved: TrafficPolicy {
    var policy = TrafficPolicy()
    policy.balancing = balancing ?? policy.balancing
    policy.pool = pool ?? policy.pool
    policy.outliers = outliers
    policy.retryBudget = retryBudget ?? policy.retryBudget
    policy.tls = tls?.origination
    return policy
  }

  /// What a subset says in place of the service's, field by field. Ports stay out.
  func overlaid(with other: WrittenPolicy) -> WrittenPolicy {
    WrittenPolicy(
      balancing: other.balancing ?? balancing, pool: other.pool ?? pool, outliers: other.outliers ?? outliers,
      retryBudget: other.retryBudget ?? retryBudget, tls: other.tls ?? tls)
  }
}

extension DestinationTraffic {
  /// What a rule says of a service. Settings of a port replace everything; what a subset says comes over
  /// what is said of its service or, where that says something of a port, over that.
  init(_ key: ServiceKey, _ rule: DestinationRuleObject?, subsets: [WrittenSubset]) {
    let whole = rule?.policy ?? WrittenPolicy()
    self.init(
      service: key, origin: rule?.meta.title ?? "", policy: whole.resolved,
      ports: whole.ports.mapValues(\.resolved).sorted { $0.key < $1.key }.map {
        PortPolicy(port: $0.key, policy: $0.value)
      },
      subsets: subsets.map { subset in
        let own = subset.policy ?? WrittenPolicy()
        var ports = whole.ports.mapValues { $0.overlaid(with: own) }
        ports.merge(own.ports) { _, own in own }
        return Subset(
          name: subset.name, labels: subset.labels, policy: whole.overlaid(with: own).resolved,
          ports: ports.sorted { $0.key < $1.key }.map { PortPolicy(port: $0.key, policy: $0.value.resolved) })
      })
  }
}
