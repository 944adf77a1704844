import Bytes
import HTTPExchange
import MeshModel

// What the client owes to a request under way. The endpoint's time is the business of rules.
extension RequestExchange {
  /// When the client will have kept the request waiting for too long; nil while nobody waits for it.
  func due(lastWritten: Instant) -> (when: Instant, end: ConnectionEnd)? {
    let limits = downstream.limits
    guard response != .over else { return nil }
    if undelivered > 0 {
      // HTTP/1.x tells what has left when everything has.
      let taken = request.version == .http1 ? max(lastTaken, lastWritten) : lastTaken
      return (taken + limits.stallTimeout, .unreadResponse)
    }
    if tunnel?.isOpen == true || record.isGRPC { return (lastByte + limits.silenceTimeout, .silence) }
    // What the endpoint has not taken keeps the client's window shut, and who expects 100 waits for it.
    guard !hasEnded, uncredited == 0, !request.expectsContinue || saidContinue else { return nil }
    return (lastByte + limits.stallTimeout, .slowBody)
  }

  func giveUp(_ end: ConnectionEnd) {
    let limits = downstream.limits
    let words =
      switch end {
      case .slowBody: "no byte of the request's body for \(limits.stallTimeout.words)"
      case .silence: "no byte in either direction for \(limits.silenceTimeout.words)"
      default: "the client took no byte of the response for \(limits.stallTimeout.words)"
      }
    proxy.counters.requestsEnded[end, default: 0] += 1
    if request.version == .http1 { downstream.count(end) }
    if response == .none {
      refuse(end == .slowBody ? 408 : 504, .streamIdleTimeout, words)
      connection?.closeWhenSaid()
      return downstream.afterReceiving()
    }
    record.flags.insert(.streamIdleTimeout)
    record.details = words
    leaveTry(nil)
    breakOff()
  }
}
