import Bytes
import Reactor

// How a connection outlives the waypoint that it leads through.
extension Connection {
  /// The socket has given bytes for the waypoint.
  func follow(_ carried: CarriedRequest, _ bytes: Span<UInt8>) {
    carried.sent(bytes)
    if carried.isLost || !count(carried) { stopFollowing() }
  }

  /// The waypoint has sent bytes.
  func follow(_ carried: CarriedRequest, _ pieces: GatherList, of batch: Span<UInt8>) {
    pieces.forEachRest(after: 0) { range in carried.answered(batch.extracting(range)) }
    if carried.isLost || !count(carried) { stopFollowing() }
  }

  /// Counts what is kept; false when it is more than the worker may keep.
  private func count(_ carried: CarriedRequest) -> Bool {
    guard worker.keptRequests.change(from: carried.counted, to: carried.keptBytes) else {
      worker.turnedAway.add(.keptRequests)
      return false
    }
    carried.counted = carried.keptBytes
    return true
  }

  func stopFollowing() {
    guard let carried else { return }
    worker.keptRequests.forget(carried.counted)
    self.carried = nil
  }

  /// The waypoint has died with the tunnel. True when the connection goes on, or ends in order: nothing of an
  /// answer is lost, and what was asked, if anything, may be asked again.
  func carryOver() -> Bool {
    guard let carried, case .relaying = stage, failure == nil, !pod.isWithdrawn,
      let onward = carried.carryOver(isAsked: isReadEnded, isAnswered: isWriteEnding),
      onward == .ends || !worker.isDraining, count(carried)
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
