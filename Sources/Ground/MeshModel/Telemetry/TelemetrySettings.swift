/// What is told of one workload: what the Telemetry resources of the mesh, of its namespace and of its own
/// come to.
public struct TelemetrySettings: Hashable, Sendable, Codable {
  /// One end of a connection, as the workload's: it asks, or it is asked. A waypoint is asked.
  public enum Side: String, Hashable, Sendable, Codable, CaseIterable { case client, server }

  public var client = Telling()
  public var server = Telling()

  /// Nobody says anything.
  public static let usual = TelemetrySettings()

  public init() {}

  public subscript(side: Side) -> Telling {
    get { side == .client ? client : server }
    set { if side == .client { client = newValue } else { server = newValue } }
  }

  /// What is told of what a workload asks, or of what it is asked.
  public struct Telling: Hashable, Sendable, Codable {
    public var log = AccessLogging()
    public var trace = Tracing()
    /// Nil for the standard metrics as they are.
    public var metrics: MetricOverrides?

    public init() {}
  }
}

/// `accessLogging`.
public struct AccessLogging: Hashable, Sendable, Codable {
  public var isDisabled = false
  /// The condition of lines, as written; nil for all.
  public var filter: String?

  public init() {}
}

/// `tracing`.
public struct Tracing: Hashable, Sendable, Codable {
  /// How many begin a trace that is kept, out of a million; nil when nobody says.
  public var sampling: UInt32?
  /// Nothing is reported of it.
  public var isDisabled = false
  /// Sorted by name.
  public var tags: [TraceTag] = []

  /// The ecosystem's: one of a hundred.
  public static let usualSampling: UInt32 = 10_000

  public init() {}

  /// Out of a million; 0 when nothing is reported.
  public var share: UInt32 { isDisabled ? 0 : sampling ?? Self.usualSampling }

  /// Whether a span is kept: as those before it in the trace have decided, else by chance.
  public func keeps(_ asked: Bool?, using random: inout some RandomNumberGenerator) -> Bool {
    guard !isDisabled else { return false }
    return asked ?? (UInt32.random(in: 0..<1_000_000, using: &random) < share)
  }
}

/// `tracing.customTags`: an attribute of every span.
public struct TraceTag: Hashable, Sendable, Codable {
  /// From where its value comes.
  public enum Source: Hashable, Sendable, Codable {
    case literal(String)
    /// A variable of the process that reports; else the second, else no attribute.
    case environment(String, String?)
    /// A field of the request, in lower case; else the second, else no attribute.
    case header(String, String?)
  }

  public var name: String
  public var source: Source

  public init(_ name: String, _ source: Source) {
    self.name = name
    self.source = source
  }
}

/// `metrics.overrides`: what differs from the standard metrics.
public struct MetricOverrides: Hashable, Sendable, Codable {
  /// The standard metrics, by the names that Telemetry has for them.
  public enum Metric: String, Hashable, Sendable, Codable, CaseIterable {
    case requestCount = "REQUEST_COUNT"
    case requestDuration = "REQUEST_DURATION"
    case requestSize = "REQUEST_SIZE"
    case responseSize = "RESPONSE_SIZE"
    case openedConnections = "TCP_OPENED_CONNECTIONS"
    case closedConnections = "TCP_CLOSED_CONNECTIONS"
    case sentBytes = "TCP_SENT_BYTES"
    case receivedBytes = "TCP_RECEIVED_BYTES"
    case requestMessages = "GRPC_REQUEST_MESSAGES"
    case responseMessages = "GRPC_RESPONSE_MESSAGES"
  }

  /// One label of one metric.
  public struct Label: Hashable, Sendable, Codable {
    public var name: String
    /// Nil takes it away.
    public var value: String?

    public init(_ name: String, _ value: String?) {
      self.name = name
      self.value = value
    }
  }

  /// What differs of one metric; labels sorted by name.
  public struct Override: Hashable, Sendable, Codable {
    public var metric: Metric
    public var isDisabled = false
    public var labels: [Label] = []

    public init(_ metric: Metric) { self.metric = metric }
  }

  /// Sorted by metric; none that says nothing.
  public private(set) var overrides: [Override] = []

  public init() {}

  public func override(of metric: Metric) -> Override? { overrides.first { $0.metric == metric } }

  /// Changes what is said of a metric.
  public mutating func update(_ metric: Metric, _ change: (inout Override) -> Void) {
    var override = override(of: metric) ?? Override(metric)
    change(&override)
    override.labels.sort { $0.name < $1.name }
    overrides.removeAll { $0.metric == metric }
    if override != Override(metric) { overrides.append(override) }
    overrides.sort { $0.metric.rawValue < $1.metric.rawValue }
  }
}
