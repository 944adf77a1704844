import Bytes
public import MeshModel

/// A connection as it stands at one moment: for administrators, and for what the control plane is told.
public struct ConnectionReport: Sendable {
  /// The uid of our pod, as it was enrolled.
  public let pod: String
  /// What the application dialed.
  public let original: SocketAddress?
  /// Both ends are open.
  public let isRelaying: Bool
  /// What its record would be if it ended now.
  public let record: ConnectionRecord

  /// Connections told of by one worker, so that the answer stays a page: it is copied on the worker's thread,
  /// about a microsecond each. What is beyond is told of when it ends.
  public static let limit = 2_000

  /// Nil for the half that does not keep the journal.
  init?(_ connection: Connection, at now: Instant) {
    guard let journal = connection.journal else { return nil }
    pod = connection.pod.facts.uid
    original = journal.original ?? journal.destination.address
    isRelaying = connection.isRelaying
    record = journal.record(.complete, at: now)
  }

  /// Where it really goes: a tunnel's address, or an endpoint's.
  public var actual: SocketAddress? { record.tunnelAddress ?? record.destination.address }
}
