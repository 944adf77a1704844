/// The document of `/api/graph`: who talks to whom now. Fields may be added in a version; what changes the
/// meaning of one makes a new version. Times are seconds since 1970.
public struct ServiceGraph: Hashable, Sendable, Codable {
  public static let version = 1

  public var kind = "apus-graph"
  public var version = Self.version
  public var time: Int64
  /// What rates are taken over, in seconds.
  public var windowSeconds = Double(ReportLog.window) / 1_000
  public var trustDomain: String
  /// Connections and requests that are in no edge, because there were too many.
  public var forgotten: UInt64 = 0
  /// In the order of their ids.
  public var nodes: [Node] = []
  /// In the order of their ids.
  public var edges: [Edge] = []

  public init(time: Int64, trustDomain: String) {
    self.time = time
    self.trustDomain = trustDomain
  }

  /// The pods of one owner in one namespace, or what is outside the mesh.
  public struct Node: Hashable, Sendable, Codable {
    /// `namespace/name`; `outside` or `outside/IDENTITY` for what the mesh does not know.
    public var id: String
    public var namespace: String
    public var name: String
    /// `Deployment`, `StatefulSet`, `ReplicaSet`, `Pod`, `Service` (nothing stands behind it), `Outside`.
    public var kind: String
    public var identities: [String] = []
    public var pods = 0
    public var podsReady = 0
    /// Its connections are captured: it is in the mesh.
    public var isCaptured = false
    /// `namespace/account`; nil when no waypoint stands before it.
    public var waypoint: String?
    /// Host names.
    public var services: [String] = []
    /// `namespace/name` of the policies that bind it at its agents and at its waypoint.
    public var policies: [String] = []
    /// What its agents say of its pods, one sentence each; at most ten.
    public var problems: [String] = []
  }

  /// Everything from one node to another.
  public struct Edge: Hashable, Sendable, Codable {
    /// `SOURCE>DESTINATION`.
    public var id: String
    public var source: String
    public var destination: String
    /// Host names that were asked for.
    public var services: [String] = []
    /// `tcp`, `http` or `grpc`.
    public var `protocol`: String
    /// `mutual-tls`, `plaintext` or `mixed`.
    public var security: String
    /// `requests` or `connections`, a second; without those that were denied.
    public var rate = 0.0
    public var unit: String
    /// Of the rate, from 0 to 1.
    public var errorShare = 0.0
    /// In milliseconds: of requests; of connections how long they lived. Nil when nothing ended in the
    /// window.
    public var p50: Double?
    public var p99: Double?
    /// Application bytes by the source, and by the destination.
    public var sentPerSecond = 0.0
    public var receivedPerSecond = 0.0
    public var open: UInt64 = 0
    public var deniedPerSecond = 0.0
    /// Connections that could not be opened for another reason than policy.
    public var failedPerSecond = 0.0
    public var lastDenial: Denial?
    public var lastSeen: Int64
    /// Whose counters these are: `waypoint`, `destination` (its agent) or `source`.
    public var observer: String
    /// Since the observers were started, as far as they remember.
    public var totals = Totals()
  }

  /// Counters of an edge.
  public struct Totals: Hashable, Sendable, Codable {
    public var opened: UInt64 = 0
    public var requests: UInt64 = 0
    public var errors: UInt64 = 0
    public var denied: UInt64 = 0
    public var failed: UInt64 = 0
    public var sent: UInt64 = 0
    public var received: UInt64 = 0
  }

  /// A connection or request that policy denied.
  public struct Denial: Hashable, Sendable, Codable {
    public var time: Int64
    /// Ids of nodes.
    public var source: String
    public var destination: String
    public var sourceIdentity: String?
    /// Of a caller of whom nothing else is known.
    public var sourceAddress: String?
    /// The host name.
    public var service: String?
    /// `RefusalReason`, or why the token was not believed.
    public var reason: String
    /// `namespace/name`, when one policy said no.
    public var policy: String?
    public var method: String?
    /// Without its query.
    public var path: String?
    public var observer: String
  }
}
