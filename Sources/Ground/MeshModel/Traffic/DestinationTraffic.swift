/// How the endpoints of a service are chosen and guarded (DestinationRule), every default filled in and every
/// override resolved.
public struct DestinationTraffic: Hashable, Sendable, Codable {
  public var service: ServiceKey
  /// `DestinationRule production/payment-service`; empty when nobody wrote one.
  public var origin: String
  public var policy: TrafficPolicy
  /// Whole replacements, by port of the service.
  public var ports: [PortPolicy]
  public var subsets: [Subset]

  /// Some of the endpoints, by labels (`Workload.subsetLabels`).
  public struct Subset: Hashable, Sendable, Codable {
    public var name: String
    public var labels: [String: String]
    public var policy: TrafficPolicy
    public var ports: [PortPolicy]

    public init(
      name: String, labels: [String: String], policy: TrafficPolicy, ports: [PortPolicy] = []
    ) {
      self.name = name
      self.labels = labels
      self.policy = policy
      self.ports = ports
    }
  }

  public init(
    service: ServiceKey, origin: String = "", policy: TrafficPolicy = TrafficPolicy(),
    ports: [PortPolicy] = [], subsets: [Subset] = []
  ) {
    self.service = service
    self.origin = origin
    self.policy = policy
    self.ports = ports
    self.subsets = subsets
  }
}

/// The policy of one port of a service, in place of the service's (`portLevelSettings`).
public struct PortPolicy: Hashable, Sendable, Codable {
  public var port: UInt16
  public var policy: TrafficPolicy

  public init(port: UInt16, policy: TrafficPolicy) {
    self.port = port
    self.policy = policy
  }
}

/// `trafficPolicy`.
public struct TrafficPolicy: Hashable, Sendable, Codable {
  public var balancing = LoadBalancing()
  public var pool = ConnectionPool()
  /// Nil: nobody is ejected.
  public var outliers: OutlierDetection?
  public var retryBudget = RetryBudget()
  /// Nil: what the mesh carries goes to the application as it is.
  public var tls: TLSOrigination?

  public init() {}
}

/// How one of several endpoints is chosen.
public struct LoadBalancing: Hashable, Sendable, Codable {
  /// `simple` or `consistentHash`.
  public enum Algorithm: Hashable, Sendable, Codable {
    case leastRequest, roundRobin, random
    case hash(HashKey, HashTable)
  }

  /// What stays with one endpoint.
  public enum HashKey: Hashable, Sendable, Codable {
    case header(String)
    /// Made when the client sends none, if it has a lifetime, in seconds (0: of the session).
    case cookie(name: String, path: String, lifetime: Int?)
    case sourceAddress
    case query(String)
  }

  /// The table in which a hash is looked up.
  public enum HashTable: Hashable, Sendable, Codable {
    case ring(minimumSize: Int)
    /// The size is prime.
    case maglev(size: Int)
  }

  /// `localityLbSetting`. Localities are `region/zone/subzone`, shortened from the right; `*` ends a pattern.
  public enum Locality: Hashable, Sendable, Codable {
    case off
    /// Near endpoints first, and when all of them are ejected or gone the next: same zone, same region, then
    /// the regions that `regions` names for ours, then any.
    case failover(regions: [String: String])
    /// Near means having equal values of these labels, in this order.
    case priority([String])
    /// Shares in percent by locality of the endpoints, by locality of the client.
    case distribute([String: [String: UInt32]])
  }

  /// `warmup`: an endpoint's share grows for this long after it appeared.
  public struct WarmUp: Hashable, Sendable, Codable {
    /// In milliseconds.
    public var duration: Int
    /// In percent.
    public var minimum: Double
    public var aggression: Double

    public init(duration: Int, minimum: Double = 10, aggression: Double = 1) {
      self.duration = duration
      self.minimum = minimum
      self.aggression = aggression
    }
  }

  public var algorithm = Algorithm.leastRequest
  public var locality = Locality.failover(regions: [:])
  public var warmUp: WarmUp?

  public init() {}
}

/// `connectionPool`. Nil means no limit of its own; times in milliseconds.
public struct ConnectionPool: Hashable, Sendable, Codable {
  public var maxConnections: Int?
  public var connectTimeout = 10_000
  /// `http1MaxPendingRequests`: requests that wait for a connection.
  public var maxPendingRequests: Int?
  /// `http2MaxRequests`: requests under way.
  public var maxRequests: Int?
  public var maxRequestsPerConnection: Int?
  /// `maxRetries`: retries under way.
  public var maxRetries: Int?
  public var idleTimeout = 3_600_000
  public var maxConcurrentStreams: Int?
  public var maxConnectionDuration: Int?
  /// `h2UpgradePolicy: UPGRADE`: HTTP/2 to the endpoints though the port does not declare it.
  public var prefersHTTP2 = false
  /// `useClientProtocol`.
  public var keepsClientProtocol = false

  public init() {}
}

/// `outlierDetection`. Times in milliseconds; a count of 0 turns a kind of error off.
public struct OutlierDetection: Hashable, Sendable, Codable {
  public var consecutive5xx = 5
  public var consecutiveGatewayErrors = 0
  /// Counted apart from answers (`splitExternalLocalOriginErrors`); false counts them as 5xx and gateway
  /// errors.
  public var splitsLocalErrors = false
  public var consecutiveLocalErrors = 5
  public var interval = 10_000
  public var baseEjectionTime = 30_000
  /// In percent of all endpoints; never exceeded, except that 1 of several may always be ejected when it is
  /// not 0.
  public var maxEjectionPercent = 10
  /// In percent: below it ejection is suspended and everyone is used.
  public var minHealthPercent = 0
  /// `outlierDetectionHttpErrorCodes`: what counts as an error besides; empty for the usual.
  public var errorStatuses: [Int] = []

  public init() {}
}

/// Retries of a destination that may be under way: a share of the requests under way, never fewer than the
/// minimum.
public struct RetryBudget: Hashable, Sendable, Codable {
  /// In percent.
  public var percent: Double
  public var minimum: Int

  public init(percent: Double = 20, minimum: Int = 3) {
    self.percent = percent
    self.minimum = minimum
  }
}
