public import Fetching
public import MeshModel

/// Everything a waypoint is told when it starts; read once, from flags, by the front door.
public struct WaypointSettings: Sendable {
  /// The service account before which it stands.
  public var waypoint: WaypointName
  /// Its pod, as the control plane knows it.
  public var pod: String
  /// Its own addresses, at most one of each family; tunnels are taken at port 15008 of each.
  public var addresses: [IPAddress]
  /// The control plane: xDS, certificates, and who stops it when it is idle.
  public var control: ServerPlace
  /// The DNS name in the control plane's certificate.
  public var controlName = "apus-control"
  /// The file with the control plane's root certificates, PEM.
  public var controlRoot: String
  /// The file with the bearer token of the waypoint's own account, read again for each call.
  public var token: String
  public var workers = 1
  public var trustDomain = TrustDomain.clusterLocal
  public var clusterDomain = "cluster.local"
  public var readiness: SocketAddress
  public var metrics: SocketAddress
  /// Without a connection for this long, in seconds, it asks to be stopped.
  public var idleSeconds = 600
  /// How long requests under way may go on after SIGTERM, in seconds.
  public var drainSeconds = 25
  /// Access lines have paths with their queries, which may hold secrets.
  public var showsQueries = false
  /// A file with authorities, PEM, that may vouch for the servers of issuers' keys besides those that the
  /// machine trusts; nil for none.
  public var issuerRoots: String?
  /// Where traces are sent; nil: none are kept.
  public var collector: Collector?

  /// Makes what rules leave to chance the same in every run; nil leaves it to the system.
  public var seed: UInt64?

  public init(
    waypoint: WaypointName, pod: String, addresses: [IPAddress], control: ServerPlace,
    controlRoot: String, token: String, readiness: SocketAddress, metrics: SocketAddress
  ) {
    self.waypoint = waypoint
    self.pod = pod
    self.addresses = addresses
    self.control = control
    self.controlRoot = controlRoot
    self.token = token
    self.readiness = readiness
    self.metrics = metrics
  }
}

/// Why a waypoint cannot go on, in one sentence.
public struct WaypointError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }
}
