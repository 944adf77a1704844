import Bytes
import MeshIndex
import MeshModel
import Reactor

/// What a connection's record is made of while it lives.
struct Journal {
  var direction: ConnectionRecord.Direction
  var source: ConnectionRecord.Party
  var destination: ConnectionRecord.Party
  /// What the application dialed, where that is not the destination.
  var original: SocketAddress?
  var tunnelAddress: SocketAddress?
  var service: ServiceKey?
  var isMutualTLS = false
  var remarks: PolicyRemarks?
  /// Set once it is decided that the connection's span is kept.
  var trace: SpanMark?
  var network: NetworkFigures?
  var retransmitsBefore: UInt32 = 0
  var bytesSent: UInt64 = 0
  var bytesReceived: UInt64 = 0
  /// Both ends have been open.
  var isOpened = false
  /// What records of the living connection have told.
  private(set) var isTold = false
  private var toldSent: UInt64 = 0
  private var toldReceived: UInt64 = 0
  let started: Instant

  init(
    _ direction: ConnectionRecord.Direction, source: ConnectionRecord.Party,
    destination: ConnectionRecord.Party,
    at now: Instant
  ) {
    self.direction = direction
    self.source = source
    self.destination = destination
    started = now
  }

  var flow: Flow.Key? { Flow.Key(source: source, destination: destination, isMutualTLS: isMutualTLS) }

  /// A live connection's bytes are told piece by piece, so that counters of long ones grow while they flow.
  static let piece = 1 << 20

  /// A record of the connection while it lives.
  mutating func tell(_ phase: ConnectionRecord.Phase, at now: Instant) -> ConnectionRecord {
    var told = record(.complete, at: now)
    told.phase = phase
    isTold = true
    toldSent = bytesSent
    toldReceived = bytesReceived
    return told
  }

  /// The record that the connection leaves when it ends.
  func record(_ outcome: ConnectionRecord.Outcome, at now: Instant) -> ConnectionRecord {
    var record = ConnectionRecord(
      direction: direction, source: source, destination: destination, tunnelAddress: tunnelAddress,
      service: service,
      isMutualTLS: isMutualTLS, bytesSent: bytesSent, bytesReceived: bytesReceived,
      duration: (now - started).nanoseconds, outcome: outcome)
    record.remarks = remarks
    if let trace {
      record.trace = trace
      record.end = Clock.wall()
      record.network = network
    }
    record.isOpened = isOpened
    record.isTold = isTold
    record.toldSent = toldSent
    record.toldReceived = toldReceived
    return record
  }
}
