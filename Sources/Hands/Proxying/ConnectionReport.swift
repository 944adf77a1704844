public import MeshModel

/// A connection as it stands at one moment, for administrators.
public struct ConnectionReport: Sendable {
  /// The uid of our pod, as it was enrolled.
  public let pod: String
  public let isInbound: Bool
  public let source: SocketAddress?
  /// What the application dialed.
  public let original: SocketAddress?
  /// Where it really goes: a tunnel's address, or an endpoint's.
  public let actual: SocketAddress?
  /// It is in a tunnel.
  public let isTunnelled: Bool
  public let bytesSent: UInt64
  public let bytesReceived: UInt64

  /// Connections told of by one worker, so that the answer stays a page: 200 bytes each.
  public static let limit = 1_024

  /// Nil for the half that does not keep the journal.
  init?(_ connection: Connection) {
    guard let journal = connection.journal else { return nil }
    pod = connection.pod.facts.uid
    isInbound = journal.direction == .inbound
    source = journal.source.address
    original = journal.original ?? journal.destination.address
    actual = journal.tunnelAddress ?? journal.destination.address
    isTunnelled = journal.isMutualTLS
    bytesSent = journal.bytesSent
    bytesReceived = journal.bytesReceived
  }
}
