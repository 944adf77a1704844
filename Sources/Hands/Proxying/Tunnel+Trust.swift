import MeshModel
import TLSEngine

// What a tunnel is worth while certificates end and roots change. A stream lives as long as it is wanted,
// also past the end of the certificates that its tunnel was opened with: nothing of what both ends proved
// then has become untrue. Only a root that is taken away ends it, as a policy would.
extension Tunnel {
  /// Whether a tunnel of ours, from the connection's source.
  private var isSource: Bool { key != nil }

  /// The end whose certificate is over; streams are not opened any more.
  var expiredEnd: RefusalReason.End? {
    if worker.wall > ownNotAfter { return isSource ? .source : .destination }
    if worker.wall > peerNotAfter { return isSource ? .destination : .source }
    return nil
  }

  /// The handshake is over. Roots may have been taken away while it went on; false when it ended for that.
  func acceptPeer() -> Bool {
    peerNotAfter = tls.peerCertificate?.notAfter ?? .max
    guard let current = worker.credentials[pod.facts.identity], current.generation != generation else {
      return true
    }
    judgeTrust(by: current)
    return stage != .over
  }

  /// Ends the tunnel unless its peer is trusted as of today.
  func judgeTrust(by current: WorkloadTLS) {
    guard stage != .over, tls.isOpen, let trust = current.server.trust else { return }
    guard !tls.isPeerTrusted(under: trust) else { return }
    end(.untrusted(.peerRefused(.unknownAuthority)))
  }

  /// What a connection's record says when the tunnel ends for `reason`: whose certificate is at fault, or
  /// else the words.
  func outcome(of reason: End, _ words: @autoclosure () -> String) -> ConnectionRecord.Outcome {
    let own: RefusalReason.End = isSource ? .source : .destination
    let other: RefusalReason.End = isSource ? .destination : .source
    return switch reason {
    case .untrusted(.peerRefused(.expired)): .refused(.certificateExpired(other), peer: false)
    case .untrusted(.peerRefused(.unknownAuthority)): .refused(.certificateUntrusted(other), peer: false)
    case .untrusted(.alertReceived(.certificateExpired)): .refused(.certificateExpired(own), peer: true)
    case .untrusted(.alertReceived(.unknownAuthority)): .refused(.certificateUntrusted(own), peer: true)
    case .untrusted: .failed(words(), .tls)
    case .broken: .failed(words(), .http2)
    case .unreachable, .gone, .ended: .failed(words())
    }
  }
}
