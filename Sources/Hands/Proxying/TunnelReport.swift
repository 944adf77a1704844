public import MeshModel
import TLSEngine

/// A tunnel as it stands at one moment, for administrators: with which certificates it was opened.
public struct TunnelReport: Sendable {
  /// `namespace/name` of our pod.
  public let pod: String
  /// Whether our pod dialed; otherwise the peer did.
  public let isOpenedHere: Bool
  public let peer: SocketAddress
  public let peerIdentity: Identity?
  /// Serial numbers in lower-case hexadecimal; the peer's is empty before the handshake's end.
  public let ownSerial: String
  public let peerSerial: String
  public let streams: Int
  /// It takes no new streams, and ends with its last.
  public let isDraining: Bool

  /// Tunnels told of by one worker, so that the answer stays a page: 300 bytes each.
  public static let limit = 1_024

  init(_ tunnel: Tunnel) {
    pod = "\(tunnel.pod.facts.namespace)/\(tunnel.pod.facts.name)"
    isOpenedHere = tunnel.key != nil
    peer = tunnel.peerAddress
    peerIdentity = tunnel.tls.peerIdentity
    ownSerial = tunnel.tls.settings.credentials?.leaf.serial ?? ""
    peerSerial = tunnel.tls.peerCertificate?.serial ?? ""
    streams = tunnel.connections.count
    isDraining = tunnel.isDraining
  }
}
