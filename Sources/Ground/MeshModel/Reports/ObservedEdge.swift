/// Everything between one caller and one workload, as one reporter has counted it since its start.
public struct ObservedEdge: Hashable, Sendable, Codable {
  /// What edges are told apart by: nothing that a caller chooses freely.
  public struct Key: Hashable, Sendable, Codable {
    public var direction: ConnectionRecord.Direction
    public var source: ObservedParty
    public var destination: ObservedParty
    /// `namespace/hostname` of the service that was asked for; empty when none was.
    public var service: String
    public var carries: Carried
    public var isMutualTLS: Bool

    public init(
      direction: ConnectionRecord.Direction, source: ObservedParty, destination: ObservedParty,
      service: String, carries: Carried, isMutualTLS: Bool
    ) {
      self.direction = direction
      self.source = source
      self.destination = destination
      self.service = service
      self.carries = carries
      self.isMutualTLS = isMutualTLS
    }
  }

  /// What was counted: connections, or requests in them.
  public enum Carried: String, Hashable, Sendable, Codable { case tcp, http, grpc }

  public var key: Key
  public var counts: EdgeCounts
  /// Connections that live now.
  public var open: UInt64
  /// When something last happened, in seconds since 1970.
  public var lastSeen: Int64

  public init(key: Key, counts: EdgeCounts = EdgeCounts(), open: UInt64 = 0, lastSeen: Int64) {
    self.key = key
    self.counts = counts
    self.open = open
    self.lastSeen = lastSeen
  }
}

extension ConnectionRecord.Direction: Codable {}

/// One end of an edge, by what outlives its pods; empty texts are not known.
public struct ObservedParty: Hashable, Sendable, Codable {
  public var namespace: String
  /// What owns the pods: the Deployment's name for instance.
  public var workload: String
  /// The SPIFFE id that it proved, or that was expected of it.
  public var identity: String

  public init(namespace: String = "", workload: String = "", identity: String = "") {
    self.namespace = namespace
    self.workload = workload
    self.identity = identity
  }

  public init(_ party: ConnectionRecord.Party) {
    namespace = party.namespace
    workload = party.owner.isEmpty ? party.workload : party.owner
    identity = party.identity?.description ?? ""
  }
}

/// Counters of an edge, which only grow.
public struct EdgeCounts: Hashable, Sendable, Codable {
  /// Connections that were opened. Of an edge of requests: none.
  public var opened: UInt64 = 0
  /// Requests that policy did not deny.
  public var requests: UInt64 = 0
  /// Of the requests: answered with 5xx, with a gRPC status that is the server's fault, or not at all. Of the
  /// connections: those that broke after bytes had flowed.
  public var errors: UInt64 = 0
  /// Connections and requests that policy denied.
  public var denied: UInt64 = 0
  /// Connections that could not be opened for another reason.
  public var failed: UInt64 = 0
  /// Application bytes by the source, and by the destination.
  public var sent: UInt64 = 0
  public var received: UInt64 = 0
  /// How long requests took, and connections lived that have ended: by `LatencyScale`, without the zeros at
  /// the end.
  public var latency: [UInt64] = []

  public init() {}

  public mutating func add(_ other: EdgeCounts) {
    opened &+= other.opened
    requests &+= other.requests
    errors &+= other.errors
    denied &+= other.denied
    failed &+= other.failed
    sent &+= other.sent
    received &+= other.received
    if latency.count < other.latency.count {
      latency += Array(repeating: 0, count: other.latency.count - latency.count)
    }
    for (index, count) in other.latency.enumerated() { latency[index] &+= count }
  }

  /// In nanoseconds.
  public mutating func addLatency(_ duration: UInt64) {
    let bucket = LatencyScale.bucket(of: duration)
    if latency.count <= bucket { latency += Array(repeating: 0, count: bucket + 1 - latency.count) }
    latency[bucket] &+= 1
  }

  /// What has been added since `earlier`; nil when these are not the same counters going on.
  public func since(_ earlier: EdgeCounts) -> EdgeCounts? {
    guard opened >= earlier.opened, requests >= earlier.requests, errors >= earlier.errors,
      denied >= earlier.denied, failed >= earlier.failed, latency.count >= earlier.latency.count
    else { return nil }
    var difference = self
    difference.opened -= earlier.opened
    difference.requests -= earlier.requests
    difference.errors -= earlier.errors
    difference.denied -= earlier.denied
    difference.failed -= earlier.failed
    // Of connections that live bytes are looked at, not counted: a connection that ends between two looks
    // may seem to take some back.
    difference.sent = sent > earlier.sent ? sent - earlier.sent : 0
    difference.received = received > earlier.received ? received - earlier.received : 0
    for (index, count) in earlier.latency.enumerated() {
      guard latency[index] >= count else { return nil }
      difference.latency[index] -= count
    }
    return difference
  }

  public var isZero: Bool {
    opened == 0 && requests == 0 && errors == 0 && denied == 0 && failed == 0 && sent == 0 && received == 0
      && latency.allSatisfy { $0 == 0 }
  }
}
