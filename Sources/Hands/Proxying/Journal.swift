import Bytes
import MeshIndex
import MeshModel

/// What a connection's record is made of while it lives.
struct Journal {
  var direction: ConnectionRecord.Direction
  var source: ConnectionRecord.Party
  var destination: ConnectionRecord.Party
  var tunnelAddress: SocketAddress?
  var service: ServiceKey?
  var isMutualTLS = false
  var remarks: PolicyRemarks?
  var bytesSent: UInt64 = 0
  var bytesReceived: UInt64 = 0
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

  /// The one record that the connection leaves.
  consuming func record(_ outcome: ConnectionRecord.Outcome, at now: Instant) -> ConnectionRecord {
    var record = ConnectionRecord(
      direction: direction, source: source, destination: destination, tunnelAddress: tunnelAddress,
      service: service,
      isMutualTLS: isMutualTLS, bytesSent: bytesSent, bytesReceived: bytesReceived,
      duration: (now - started).nanoseconds, outcome: outcome)
    record.remarks = remarks
    return record
  }
}
