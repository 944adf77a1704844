/// What is remembered of all the connections between one caller and one port of one workload, as the
/// destination's agent saw them. It judges them, so it alone knows what was decided.
public struct Flow: Hashable, Sendable {
  /// One end, by what outlives its pods.
  public struct Party: Hashable, Sendable {
    /// Proved by a certificate; nil for a caller in plaintext.
    public var identity: Identity?
    /// `namespace/name` of what owns the pods; empty when unknown.
    public var workload: String

    public init(identity: Identity? = nil, workload: String = "") {
      self.identity = identity
      self.workload = workload
    }
  }

  /// What connections are told apart by.
  public struct Key: Hashable, Sendable {
    public var source: Party
    /// The address of a caller of whom nothing else is known; nil for any other, so that pods that come and
    /// go stay one flow.
    public var strangerAddress: IPAddress?
    public var destination: Party
    /// The port of the application.
    public var port: UInt16
    public var isMutualTLS: Bool

    public init(
      source: Party, strangerAddress: IPAddress? = nil, destination: Party, port: UInt16, isMutualTLS: Bool
    ) {
      self.source = source
      self.strangerAddress = strangerAddress
      self.destination = destination
      self.port = port
      self.isMutualTLS = isMutualTLS
    }
  }

  /// What policy decided of one connection.
  public enum Decision: Hashable, Sendable {
    case allowed
    case denied(RefusalReason)
  }

  public var key: Key
  /// Connections.
  public var allowed: UInt64 = 0
  public var denied: UInt64 = 0
  /// Wall time of the latest connection, in seconds since 1970.
  public var lastSeen: Int64 = 0
  public var wasLastDenied = false
  /// The token of the latest denial (`RefusalReason`); empty when there was none.
  public var lastDenial = ""
  /// Of the latest connection; policies may ask for them.
  public var sourceAddress: IPAddress?
  public var destinationAddress: IPAddress?

  public init(_ key: Key) { self.key = key }

  /// Adds one connection, which is the latest.
  public mutating func add(
    _ decision: Decision, at now: Int64, from source: IPAddress?, to destination: IPAddress?
  ) {
    switch decision {
    case .allowed:
      allowed &+= 1
      wasLastDenied = false
    case .denied(let reason):
      denied &+= 1
      wasLastDenied = true
      lastDenial = reason.description
    }
    lastSeen = now
    sourceAddress = source
    destinationAddress = destination
  }

  /// Adds what another agent, or another moment, remembers of the same flow.
  public mutating func merge(_ other: Flow) {
    let (allowed, denied) = (allowed &+ other.allowed, denied &+ other.denied)
    let denials = [self, other].filter { !$0.lastDenial.isEmpty }
    let lastDenial = denials.max { $0.lastSeen < $1.lastSeen }?.lastDenial ?? ""
    if other.lastSeen >= lastSeen { self = other }
    (self.allowed, self.denied, self.lastDenial) = (allowed, denied, lastDenial)
  }
}

extension Flow.Party {
  /// The end of a connection, by its owner.
  public init(_ party: ConnectionRecord.Party) {
    let name = party.owner.isEmpty ? party.workload : party.owner
    self.init(
      identity: party.identity, workload: name.isEmpty ? "" : "\(party.namespace)/\(name)")
  }
}

extension Flow.Key {
  /// Nil when it is not known what was called.
  public init?(
    source: ConnectionRecord.Party, destination: ConnectionRecord.Party, isMutualTLS: Bool
  ) {
    guard let address = destination.address, !destination.workload.isEmpty else { return nil }
    let caller = Flow.Party(source)
    let isStranger = caller.identity == nil && caller.workload.isEmpty
    self.init(
      source: caller, strangerAddress: isStranger ? source.address?.ip : nil,
      destination: Flow.Party(destination), port: address.port, isMutualTLS: isMutualTLS)
  }
}

extension ConnectionRecord {
  /// What policy decided, nil where it was not asked or somebody else knows: of outbound connections, and of
  /// those that failed before a byte flowed.
  public var decision: Flow.Decision? {
    guard direction == .inbound else { return nil }
    switch outcome {
    case .complete: return .allowed
    case .failed: return bytesSent > 0 || bytesReceived > 0 ? .allowed : nil
    case .refused(let reason, _): return reason.isOfPolicy ? .denied(reason) : nil
    }
  }
}
