/// What is left of a connection when it has ended: who dialed whom, what was decided, and what flowed.
///
/// One that came to be also leaves one when it opens, and one for each piece of what it carries, so that
/// counters follow connections that live for long.
///
/// The fields are those of the ecosystem's access log; an empty text means unknown and is left out of the log
/// line.
public struct ConnectionRecord: Sendable {
  /// Relative to the captured workload that reports; `waypoint`: through a waypoint, which reports.
  public enum Direction: String, Sendable { case inbound, outbound, waypoint }

  /// How it ended.
  public enum Outcome: Sendable {
    case complete
    /// We refused it, or the peer's agent did and said why.
    case refused(RefusalReason, peer: Bool)
    /// It broke, or could not be opened: one clause a user understands.
    case failed(String, Fault = .connect)
  }

  /// What went wrong, as metrics tell it.
  public enum Fault: Sendable {
    /// Nobody there, or it broke.
    case connect
    /// No mutual TLS.
    case tls
    /// TLS, but no HTTP/2.
    case http2
  }

  /// When in the connection's life the record was made.
  public enum Phase: Sendable { case opened, underway, ended }

  /// One end of the connection.
  public struct Party: Sendable {
    public var address: SocketAddress?
    public var workload: String
    public var namespace: String
    public var identity: Identity?
    public var cluster: String
    /// What owns the workload, and its application and version, for metrics.
    public var owner = ""
    public var canonicalName = ""
    public var canonicalRevision = ""

    public init(
      address: SocketAddress? = nil, workload: String = "", namespace: String = "", identity: Identity? = nil,
      cluster: String = ""
    ) {
      self.address = address
      self.workload = workload
      self.namespace = namespace
      self.identity = identity
      self.cluster = cluster
    }
  }

  public var direction: Direction
  public var source: Party
  public var destination: Party
  /// Where the tunnel went, when there was one.
  public var tunnelAddress: SocketAddress?
  /// The service that the application asked for.
  public var service: ServiceKey?
  /// True when the connection crossed the wire under mutual TLS.
  public var isMutualTLS: Bool
  /// Application bytes from the reporter to its peer, and back.
  public var bytesSent: UInt64
  public var bytesReceived: UInt64
  /// From accept to the last byte, in nanoseconds.
  public var duration: UInt64
  public var outcome: Outcome
  public var phase = Phase.ended
  /// Both ends were open, whatever ended it.
  public var isOpened = false
  /// Records went before this one, and have told the opening and these bytes.
  public var isTold = false
  public var toldSent: UInt64 = 0
  public var toldReceived: UInt64 = 0
  /// Set when its span is kept: its place, when it ended (wall time, nanoseconds since 1970), and how the
  /// network was on the way, for what a tunnel carried that of the tunnel.
  public var trace: SpanMark?
  public var end: Int64 = 0
  public var network: NetworkFigures?
  /// Of an inbound connection: what AUDIT policies and dry runs said of it; nil when nothing.
  public var remarks: PolicyRemarks?

  public init(
    direction: Direction, source: Party, destination: Party, tunnelAddress: SocketAddress? = nil,
    service: ServiceKey? = nil, isMutualTLS: Bool = false, bytesSent: UInt64 = 0, bytesReceived: UInt64 = 0,
    duration: UInt64 = 0, outcome: Outcome = .complete
  ) {
    self.direction = direction
    self.source = source
    self.destination = destination
    self.tunnelAddress = tunnelAddress
    self.service = service
    self.isMutualTLS = isMutualTLS
    self.bytesSent = bytesSent
    self.bytesReceived = bytesReceived
    self.duration = duration
    self.outcome = outcome
  }
}

extension ConnectionRecord.Party {
  /// The party that is a known workload.
  public init(address: SocketAddress?, workload: Workload, identity: Identity? = nil) {
    self.init(
      address: address, workload: workload.name, namespace: workload.namespace, identity: identity,
      cluster: workload.clusterID)
    owner = workload.workloadName
    canonicalName = workload.canonicalName
    canonicalRevision = workload.canonicalRevision
  }
}
