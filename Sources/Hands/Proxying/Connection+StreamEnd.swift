import H2Engine
import HTTPModel
import MeshModel

extension Connection: StreamEnd {
  private var outbound: Outbound? {
    if case .opening(let opening) = stage { opening as? Outbound } else { nil }
  }

  func answered(_ fields: [Field]) { outbound?.answered(fields) }

  func wasReset(_ code: H2Code) -> Bool {
    isStreamClosed = true
    if let outbound {
      outbound.streamEnded(code)
      return false
    }
    if code == .noError, isWriteEnding {
      // All was sent, and nothing more will be read (RFC 9113 section 8.1): what was sent still counts.
      endReading()
      return true
    }
    abort(code == .noError ? .complete : .failed("the peer reset the connection (\(code))"))
    return false
  }

  func streamClosed(_ code: H2Code) -> Bool {
    isStreamClosed = true
    guard let outbound else { return true }
    outbound.streamEnded(code)
    return false
  }

  func tunnelLost(_ tunnel: Tunnel, _ reason: Tunnel.End) {
    isStreamClosed = true
    if let outbound {
      outbound.tunnelLost(tunnel, reason)
    } else if !reason.isLossOfPeer || !carryOver() {
      abort(tunnel.outcome(of: reason, "the tunnel ended: \(reason.description)"))
    }
  }
}
