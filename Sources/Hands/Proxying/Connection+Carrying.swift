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

  /// The waypoint has died with the tunnel. True when the connection goes on, or ends in order: nothing of an
  /// answer is lost, and what was asked, if anything, may be asked again.
  func carryOver() -> Bool {
    guard let carried, case .relaying = stage, failure == nil, !pod.isWithdrawn,
      let onward = carried.carryOver(isAsked: isReadEnded, isAnswered: isWriteEnding),
      onward == .ends || !worker.isDraining
    else { return false }
    partner = .none
    isStreamClosed = false
    withheldCredit = 0
    switch onward {
    case .ends:
      endReading()
      endWriting()
    case .waits:
      worker.tunnelCounts.carriedOver += 1
      AwaitingSuccessor.begin(self, isDue: false)
    case .dials:
      if carried.repeats { worker.tunnelCounts.repeated += 1 } else { worker.tunnelCounts.carriedOver += 1 }
      AwaitingSuccessor.begin(self, isDue: true)
    }
    return true
  }

  /// Its waypoint has died, and no other has been dialed.
  var awaitsSuccessor: Bool {
    if case .opening(let opening) = stage { opening is AwaitingSuccessor } else { false }
  }
}
