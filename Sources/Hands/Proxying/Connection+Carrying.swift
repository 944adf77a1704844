import Bytes
import Reactor

// How a connection outlives the waypoint that it leads through.
extension Connection {
  /// The socket has given bytes for the waypoint.
  func follow(_ carried: CarriedRequest, _ bytes: Span<UInt8>) {
    carried.sent(bytes)
    if carried.isLost { self.carried = nil }
  }

  /// The waypoint has sent bytes.
  func follow(_ carried: CarriedRequest, _ pieces: GatherList, of batch: Span<UInt8>) {
    pieces.forEachRest(after: 0) { range in carried.answered(batch.extracting(range)) }
    if carried.isLost { self.carried = nil }
  }

  /// The waypoint has died with the tunnel. True when the connection goes on: nothing of an answer is lost,
  /// and what was asked, if anything, may be asked again.
  func carryOver() -> Bool {
    guard let carried, case .relaying = stage, !isReadEnded, !isWriteEnding, outgoing.isEmpty,
      !pod.isWithdrawn, !worker.isDraining, let onward = carried.carryOver()
    else { return false }
    partner = .none
    isStreamClosed = false
    switch onward {
    case .waits:
      worker.tunnelCounts.carriedOver += 1
      stage = .opening(AwaitingRequest(self))
      setInterest(Connection.relayed)
    case .repeats:
      worker.tunnelCounts.repeated += 1
      setInterest(Readiness())
      Outbound.again(self)
    }
    return true
  }
}
