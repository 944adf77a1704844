/// The document of `/api/status`: the control plane, the agents and the waypoints. Times are seconds since
/// 1970.
public struct MeshStatus: Hashable, Sendable, Codable {
  public static let version = 1

  public var kind = "apus-status"
  public var version = Self.version
  public var time: Int64
  public var control: ControlState
  public var manifests: ManifestState
  /// By node.
  public var agents: [AgentState]
  /// By name.
  public var waypoints: [WaypointState]
  public var counts: Counts

  public init(
    time: Int64, control: ControlState, manifests: ManifestState, agents: [AgentState],
    waypoints: [WaypointState], counts: Counts
  ) {
    self.time = time
    self.control = control
    self.manifests = manifests
    self.agents = agents
    self.waypoints = waypoints
    self.counts = counts
  }

  /// The control plane itself.
  public struct ControlState: Hashable, Sendable, Codable {
    public var version: String
    public var started: Int64
    public var residentBytes: UInt64
    /// Where discovery and certificates are served.
    public var address: String
    public var trustDomain: String
    /// Publications since the start.
    public var generation: UInt64
    /// Open discovery streams, and those of them that hold everything published.
    public var subscribers: Int
    public var subscribersCurrent: Int
    /// When the signing certificate ends.
    public var authorityEnds: Int64

    public init(
      version: String, started: Int64, residentBytes: UInt64, address: String, trustDomain: String,
      generation: UInt64, subscribers: Int, subscribersCurrent: Int, authorityEnds: Int64
    ) {
      self.version = version
      self.started = started
      self.residentBytes = residentBytes
      self.address = address
      self.trustDomain = trustDomain
      self.generation = generation
      self.subscribers = subscribers
      self.subscribersCurrent = subscribersCurrent
      self.authorityEnds = authorityEnds
    }
  }

  /// What there is to say of the manifests.
  public struct ManifestState: Hashable, Sendable, Codable {
    /// The files as they are count.
    public var isAccepted: Bool
    /// Directories of which an earlier content counts.
    public var rejected: [String]
    /// The worst first.
    public var findings: [Finding]
    /// Findings that are left out, because there are too many.
    public var findingsCut: Int

    public init(isAccepted: Bool, rejected: [String], findings: [Finding], findingsCut: Int) {
      self.isAccepted = isAccepted
      self.rejected = rejected
      self.findings = findings
      self.findingsCut = findingsCut
    }
  }

  /// One thing to say of a manifest.
  public struct Finding: Hashable, Sendable, Codable {
    /// `info`, `warning` or `error`.
    public var severity: String
    public var code: String
    public var object: String
    /// `file:line`.
    public var place: String
    public var message: String
    public var remedy: String

    public init(
      severity: String, code: String, object: String, place: String, message: String, remedy: String
    ) {
      self.severity = severity
      self.code = code
      self.object = object
      self.place = place
      self.message = message
      self.remedy = remedy
    }
  }

  /// What an agent or a replica of a waypoint says of itself; all but the first two nil when it is silent.
  public struct Report: Hashable, Sendable, Codable {
    /// It was heard in the last half minute.
    public var isReporting = false
    public var lastReport: Int64?
    public var version: String?
    public var started: Int64?
    public var residentBytes: UInt64?
    public var connections: Int?
    public var tunnels: Int?
    /// Its discovery stream is open and has been answered.
    public var isConnected: Bool?
    /// When discovery last told it something.
    public var lastUpdate: Int64?
    public var problem: String?
    /// Edges that it tells of, and edges and denials that it is not believed.
    public var edges: Int?
    public var refused: Int?
    /// Records that it lost.
    public var dropped: UInt64?

    public init() {}
  }

  /// The agent of a node that has pods, or that reports.
  public struct AgentState: Hashable, Sendable, Codable {
    public var node: String
    /// Of the mesh's pods on that node that are captured: how many, and how many it serves.
    public var pods = 0
    public var podsReady = 0
    public var report = Report()
  }

  /// A waypoint that the mesh wants.
  public struct WaypointState: Hashable, Sendable, Codable {
    /// `namespace/account`.
    public var name: String
    public var service: String
    /// Why there is one, a clause each.
    public var reasons: [String]
    /// How many run when it runs.
    public var replicas: Int
    public var isAlwaysOn: Bool
    public var isRunning: Bool
    public var pods: [Replica]
  }

  /// A pod of a waypoint.
  public struct Replica: Hashable, Sendable, Codable {
    public var pod: String
    public var node: String
    public var isReady: Bool
    public var report: Report
  }

  /// How much there is.
  public struct Counts: Hashable, Sendable, Codable {
    public var workloads = 0
    public var workloadsReady = 0
    public var captured = 0
    public var services = 0
    public var policies = 0
    public var certificates = 0
    public var edges = 0

    public init() {}
  }
}
