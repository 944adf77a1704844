/// What an agent or a waypoint tells the control plane every few seconds: what it has seen since its start,
/// and how it is. Counters only grow, so that a report that is lost costs nothing but time.
///
/// It travels as JSON (`MeshReportText` writes it); whose it is, the bearer token says, and nothing in here.
public struct MeshReport: Hashable, Sendable, Codable {
  /// Of this form; a reader refuses any other.
  public static let revision = 1
  /// The largest document, in bytes: `edgeLimit` edges with long names.
  public static let sizeLimit = 4 << 20
  /// Edges of one reporter. What comes beyond is counted in `forgotten`.
  public static let edgeLimit = 2_000
  /// The latest denials that are told.
  public static let denialLimit = 50
  /// Pods and certificates: as many as a node may have.
  public static let podLimit = 1_024
  /// The time between two reports, in seconds.
  public static let pause = 2

  public var revision = Self.revision
  /// Of the program.
  public var version: String
  /// Of a waypoint, which may have several replicas: its pod. Empty for an agent.
  public var pod: String
  /// When the program was started, in seconds since 1970.
  public var started: Int64
  /// How long it runs, in milliseconds, by a clock that does not step.
  public var uptime: Int64
  public var residentBytes: UInt64
  public var edges: [ObservedEdge] = []
  /// Connections and requests that belong to no edge, because there were too many.
  public var forgotten: UInt64 = 0
  /// Records that were lost, because telemetry was too slow.
  public var dropped: UInt64 = 0
  public var denials: [ObservedDenial] = []
  public var pods: [ObservedPod] = []
  public var certificates: [ObservedCertificate] = []
  public var connections = 0
  public var tunnels = 0
  /// A discovery stream is open and has been answered.
  public var isConnected = false
  /// When discovery last told something, in seconds since 1970.
  public var lastUpdate: Int64?
  /// Why it does not serve, or why there is no discovery; nil when all is well.
  public var problem: String?

  /// Puts in how discovery stands.
  public mutating func tell(_ discovery: DiscoveryFigures) {
    isConnected = discovery.isConnected
    lastUpdate = discovery.lastUpdate > 0 ? discovery.lastUpdate : nil
  }

  /// Numbers that a clock and a counter can have. What reads reports computes with them: no sender may make
  /// it overflow.
  public var isPlausible: Bool {
    revision == Self.revision && Self.lives.contains(uptime)
      && edges.allSatisfy { $0.counts.latency.count <= LatencyScale.bounds.count + 1 }
  }

  /// In milliseconds: a century.
  private static let lives: ClosedRange<Int64> = 0...3_155_760_000_000

  public init(version: String, pod: String = "", started: Int64, uptime: Int64, residentBytes: UInt64 = 0) {
    self.version = version
    self.pod = pod
    self.started = started
    self.uptime = uptime
    self.residentBytes = residentBytes
  }
}

/// A pod that an agent serves.
public struct ObservedPod: Hashable, Sendable, Codable {
  /// `namespace/name`.
  public var name: String
  /// Why its connections are refused or wait; nil when they are served.
  public var problem: String?

  public init(name: String, problem: String? = nil) {
    self.name = name
    self.problem = problem
  }
}

/// How a certificate of the reporter stands.
public struct ObservedCertificate: Hashable, Sendable, Codable {
  /// The SPIFFE id.
  public var identity: String
  /// `Available`, `Initializing`, or `Unavailable: ` and why.
  public var state: String
  /// Lower-case hexadecimal; nil when there is no certificate.
  public var serial: String?
  /// The first and the last second of validity, since 1970.
  public var notBefore: Int64?
  public var notAfter: Int64?
  /// Why it is not renewed, while it is still valid.
  public var problem: String?

  public init(
    identity: String, state: String, serial: String? = nil, notBefore: Int64? = nil, notAfter: Int64? = nil,
    problem: String? = nil
  ) {
    self.identity = identity
    self.state = state
    self.serial = serial
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.problem = problem
  }
}
