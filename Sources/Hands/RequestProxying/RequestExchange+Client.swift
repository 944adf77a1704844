import Bytes
import HTTPExchange
import HTTPModel
import HTTPRouting
import MeshModel
import Resilience

// What the client sends, and what time brings.
extension RequestExchange {
  func fromClient(_ bytes: Span<UInt8>) {
    uncredited += bytes.count
    lastByte = proxy.now
    record.bytesReceived += UInt64(bytes.count)
    if record.isGRPC { requestMessages.read(bytes) }
    for shadow in shadows { shadow.body(bytes) }
    if tunnel != nil, hasEnded { return tunnelled(bytes) }
    if let upstream, let upstreamID {
      replay.append(bytes)
      return upstream.send(upstreamID, bytes)
    }
    // Kept until a try takes it; the client's window bounds how much that is.
    let wasWhole = replay.isWhole
    let kept = replay.bytes
    replay.append(bytes)
    if wasWhole, !replay.isWhole { unsent = kept }
    if !replay.isWhole { for index in bytes.indices { unsent.append(bytes[index]) } }
  }

  func clientEnded(trailers: [Field]) {
    if tunnel != nil, hasEnded { return tunnelEnded() }
    hasEnded = true
    self.trailers = trailers
    for shadow in shadows { shadow.requestEnded(trailers) }
    requestEnded()
    if let upstream, let upstreamID { upstream.end(upstreamID, trailers: trailers) }
  }

  /// From here the request's own time counts.
  func requestEnded() {
    plan?.requestEnded(now: proxy.now)
    guard deadlineToken == nil, response == .none, let deadline = plan?.deadline else { return }
    deadlineToken = proxy.wake(self, at: deadline)
  }

  func sent(_ count: Int) {
    let given = min(count, uncredited)
    uncredited -= given
    lastByte = proxy.now
    downstream.consumed(id, given)
  }

  /// The client is gone, or broke the exchange off.
  func clientLeft() {
    guard response != .over else { return }
    if let fault = connection?.fault {
      record.flags.insert(fault.end == .memory ? .overload : .downstreamProtocolError)
      record.details = fault.detail
      if response == .none { record.status = fault.status }
    } else {
      record.flags.insert(downstream.isGone ? .downstreamConnectionTermination : .downstreamRemoteReset)
      record.details = "the client left"
    }
    for shadow in shadows { shadow.cut() }
    finish()
  }

  func deadlinePassed(_ token: UInt64) {
    switch token {
    case pauseToken:
      pauseToken = nil
      if let held {
        self.held = nil
        act(on: held)
      } else {
        attempt()
      }
    case tryToken:
      tryToken = nil
      guard response == .none else { return }
      tryFailed(.timedOut(requestSent: wasSent), "no answer within the time for one try")
    case deadlineToken:
      deadlineToken = nil
      guard response == .none else { return timedOut() }
      leaveTry(.timedOut)
      refuse(504, .upstreamRequestTimeout, "no answer within the time for the request")
    default: break
    }
  }

  /// The response began in time and did not end in time.
  private func timedOut() {
    guard response == .begun else { return }
    record.flags.insert(.upstreamRequestTimeout)
    record.details = "the response did not end within the time for the request"
    leaveTry(.timedOut)
    breakOff()
  }
}
